"""What the manifests say to the commands, held against the commands' own parsers and Beam's."""

import re

import pytest
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.transforms.environments import python_sdk_dependencies

from classifiers import evaluate, predict, report, train
from pipelines import extract
from pipelines.cli import run_command
from pipelines.shards.beam_flags import check_beam_flags
from tests.cluster.manifests import (
    ANOTHER,
    JOBS,
    OVERLAYS,
    SCHEDULES,
    WITH_FLINK,
    named,
    of_kind,
    pods,
    rendered,
)

pytestmark = pytest.mark.cluster

REFERENCE = re.compile(r"\$\(([^)]*)\)")


def options_of(place):
    """The config map that a cluster of this overlay holds; jobs are run in the first one's."""
    (options,) = of_kind(
        rendered(OVERLAYS[0] if place in (*JOBS, SCHEDULES) else place), "ConfigMap"
    )
    return options["data"]


def environment(container, options):
    given = {each["name"]: each["value"] for each in container.get("env", [])}
    maps = [source for source in container.get("envFrom", []) if "configMapRef" in source]
    return {**(options if maps else {}), **given}


def command_line(place):
    """The command and its arguments as the kubelet expands them, and the variables they name."""
    (pod,) = [p for p in pods(rendered(place)) if p.owner.startswith(("CronJob", "Job"))]
    (container,) = pod.containers()
    return expanded(container, place)


def expanded(container, place):
    known = environment(container, options_of(place))
    words = [*container["command"], *container.get("args", [])]
    used = {name for word in words for name in REFERENCE.findall(word)}
    # The kubelet leaves a reference that it cannot resolve as it is, without a word.
    assert used <= known.keys(), f"{place}: nothing sets {used - known.keys()}"
    return [REFERENCE.sub(lambda found: known[found[1]], word) for word in words], used


@pytest.mark.parametrize("place", [*OVERLAYS, ANOTHER])
def test_extraction_takes_its_options(place):
    words, used = command_line(place)
    assert words[:3] == ["python", "-m", "pipelines.extract"]
    parser = extract.make_parser()
    options, beam = parser.parse_known_args(words[3:])
    check_beam_flags(beam, extract.own_options(parser))
    for word in words[3:]:
        name, _, value = word.removeprefix("--").partition("=")
        if hasattr(options, name):
            assert str(getattr(options, name)) == value
    assert {"INPUT", "TABLE", "BASE", "WEIGHTS", "ENGINE"} <= used
    job = extract.make_job(options, beam)
    assert job.features.weights.kind == "imagenet"
    assert job.table == options_of(place)["TABLE"]


def test_an_option_that_is_none_would_be_found():
    """The parsers refuse what they do not know, so that the tests above can fail."""
    parser = extract.make_parser()
    _, beam = parser.parse_known_args(["--input=a", "--table=b", "--runner=x", "--paralelism=4"])
    assert run_command(lambda _: check_beam_flags(beam, extract.own_options(parser)), []) == 2


@pytest.mark.parametrize(
    ("place", "command", "missing"),
    [
        ("jobs/train", train, "no feature table at"),
        ("jobs/evaluate", evaluate, "no model in"),
        ("jobs/predict", predict, "no model in"),
        ("jobs/report", report, "no feature table at"),
    ],
)
def test_jobs_take_their_options(place, command, missing, tmp_path, capsys):
    """Each command gets past its arguments: what it misses is the table or the model."""
    words, _ = command_line(place)
    assert words[:3] == ["python", "-m", command.__name__]
    for folder in ("models", "images"):
        (tmp_path / folder).mkdir()
    here = [word.replace("=/", f"={tmp_path}/") for word in words[3:]]
    assert command.main(here) == 1
    assert f"{missing} {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize("place", OVERLAYS)
def test_every_option_is_somebody_s(place):
    scheduled = [
        expanded(container, SCHEDULES)[1]
        for pod in pods(rendered(SCHEDULES))
        for container in pod.containers()
    ]
    used = command_line(place)[1].union(*(command_line(job)[1] for job in JOBS), *scheduled)
    assert options_of(place).keys() == used


def test_another_base_makes_another_table():
    first, second = options_of(OVERLAYS[0]), options_of(ANOTHER)
    assert second["BASE"] != first["BASE"]
    assert second["TABLE"] != first["TABLE"]
    assert second["MODEL"] != first["MODEL"]
    assert second.keys() == first.keys()


@pytest.mark.parametrize("place", WITH_FLINK)
def test_flink_is_told_the_cluster_that_is_there(place):
    words, _ = command_line(place)
    flags = dict(word.removeprefix("--").split("=", 1) for word in words[3:])
    deployment = named(rendered(place), "FlinkDeployment", "flink")
    settings = deployment["spec"]["flinkConfiguration"]
    name = deployment["metadata"]["name"]
    assert flags["flink_master"] == f"{name}-rest:{settings['rest.port']}"
    assert deployment["spec"]["flinkVersion"] == f"v{flags['flink_version'].replace('.', '_')}"
    assert deployment["spec"]["image"].startswith(f"flink:{flags['flink_version']}.")

    (worker,) = [
        c
        for pod in pods(rendered(place))
        if pod.labels.get("component") == "taskmanager"
        for c in pod.containers()
        if c["name"] == "worker"
    ]
    port = worker["ports"][0]["containerPort"]
    assert flags["environment_config"] == f"localhost:{port}"
    assert f"--service_port={port}" in worker["args"]
    assert worker["startupProbe"]["tcpSocket"]["port"] == worker["ports"][0]["name"]
    assert worker["restartPolicy"] == "Always"
    assert environment(worker, {})["RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT"] == "1"
    # One process that runs the base a pod: it has the pod's cores, or its card, alone.
    assert settings["taskmanager.numberOfTaskSlots"] == flags["sdk_worker_parallelism"] == "1"
    assert (flags["engine"] == "keras") == (place == "overlays/gpu")


@pytest.mark.parametrize("place", WITH_FLINK)
def test_the_submitter_stages_nothing(place):
    """A file staged on the submitter's disk is none on a TaskManager's; boot would fail there."""
    words, _ = command_line(place)
    beam = extract.make_parser().parse_known_args(words[3:])[1]
    options = PipelineOptions(beam)
    assert options.view_as(PortableOptions).environment_type == "EXTERNAL"
    assert python_sdk_dependencies(options) == []
    without = PipelineOptions([word for word in beam if not word.startswith("--experiments")])
    assert python_sdk_dependencies(without) != []
