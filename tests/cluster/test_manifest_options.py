"""What the manifests say to the commands, held against the commands' own parsers and Beam's."""

import re

import pytest
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.transforms.environments import python_sdk_dependencies

from classifiers import evaluate, predict, train
from pipelines import extract
from pipelines.command import run_command
from pipelines.runner import check_beam_flags
from tests.cluster.manifests import JOBS, OVERLAYS, WITH_FLINK, named, pods, rendered

pytestmark = pytest.mark.cluster

REFERENCE = re.compile(r"\$\(([^)]*)\)")
SECRETS = {"object-store", "google-key"}
"""What a site makes itself; the only references that nothing here resolves."""


def options_of(place):
    """The config map that a cluster of this overlay holds; jobs are run in the first one's."""
    documents = rendered(place if place in OVERLAYS else OVERLAYS[0])
    return named(documents, "ConfigMap", "options")["data"]


def environment(container, options):
    given = {each["name"]: each["value"] for each in container.get("env", [])}
    maps = [s["configMapRef"]["name"] for s in container.get("envFrom", []) if "configMapRef" in s]
    assert set(maps) <= {"options"}
    return {**(options if maps else {}), **given}


def command_line(place):
    """The command and its arguments as the kubelet expands them, and the variables they name."""
    (pod,) = [p for p in pods(rendered(place)) if p.owner.startswith(("CronJob", "Job"))]
    (container,) = pod.containers()
    known = environment(container, options_of(place))
    words = [*container["command"], *container.get("args", [])]
    used = {name for word in words for name in REFERENCE.findall(word)}
    # The kubelet leaves a reference that it cannot resolve as it is, without a word.
    assert used <= known.keys(), f"{place}: nothing sets {used - known.keys()}"
    return [REFERENCE.sub(lambda found: known[found[1]], word) for word in words], used


@pytest.mark.parametrize("place", OVERLAYS)
def test_extraction_takes_its_options(place):
    words, used = command_line(place)
    assert words[:3] == ["python", "-m", "pipelines.extract"]
    parser = extract._parser()
    options, beam = parser.parse_known_args(words[3:])
    check_beam_flags(beam, extract._own_options(parser))
    for word in words[3:]:
        name, _, value = word.removeprefix("--").partition("=")
        if hasattr(options, name):
            assert str(getattr(options, name)) == value
    assert {"INPUT", "TABLE", "BASE", "WEIGHTS", "ENGINE"} <= used
    job = extract._job(options, beam)
    assert job.features.weights.kind == "imagenet"
    assert job.table == options_of(place)["TABLE"]


def test_an_option_that_is_none_would_be_found():
    """The parsers refuse what they do not know, so that the tests above can fail."""
    parser = extract._parser()
    _, beam = parser.parse_known_args(["--input=a", "--table=b", "--runner=x", "--paralelism=4"])
    assert run_command(lambda _: check_beam_flags(beam, extract._own_options(parser)), []) == 2


@pytest.mark.parametrize(
    ("place", "module", "command"),
    zip(JOBS, ("train", "evaluate", "predict"), (train, evaluate, predict), strict=True),
)
def test_jobs_take_their_options(place, module, command, monkeypatch, tmp_path, capsys):
    """Each command gets past its arguments: what it misses is the table or the model."""
    words, _ = command_line(place)
    assert words[:3] == ["python", "-m", f"classifiers.{module}"]
    (tmp_path / "models").mkdir()
    (tmp_path / "images").mkdir()
    known = [re.sub("=/", f"={tmp_path}/", word) for word in words[3:]]
    assert command.main(known) == 1 if module == "train" else command.main(known) in (1, 2)
    said = capsys.readouterr().err
    assert re.search("no feature table at|no model in|no model at|holds no model|not a model", said), said


@pytest.mark.parametrize("place", OVERLAYS)
def test_every_option_is_somebody_s(place):
    used = command_line(place)[1].union(*(command_line(job)[1] for job in JOBS))
    assert options_of(place).keys() == used


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
    beam = extract._parser().parse_known_args(words[3:])[1]
    options = PipelineOptions(beam)
    assert options.view_as(PortableOptions).environment_type == "EXTERNAL"
    assert python_sdk_dependencies(options) == []
    without = PipelineOptions([word for word in beam if not word.startswith("--experiments")])
    assert python_sdk_dependencies(without) != []
