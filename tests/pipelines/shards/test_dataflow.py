"""What Dataflow would refuse after minutes is refused at once; what it needs of us is filled in."""

import pytest

from pipelines import extract
from pipelines.errors import UsageError
from pipelines.shards import dataflow
from pipelines.shards.dataflow import check_dataflow, with_dataflow_defaults
from tests.conftest import base_forbidden

RUNNER = "--runner=DataflowRunner"
IMAGE = "--sdk_container_image=registry.example/worker:1"
GOOD = (RUNNER, IMAGE)
PLACES = {"--input": "gs://photographs/cats", "--table": "gs://features/cats"}
CARDS = "--dataflow_service_options=worker_accelerator="


@pytest.fixture
def with_google(monkeypatch):
    monkeypatch.setattr(dataflow, "has_google_libraries", lambda: True)


@pytest.mark.parametrize(
    ("flags", "places", "message"),
    [
        (GOOD, {"--table": "features"}, "--table features is on this machine, where Dataflow's"),
        (GOOD, {"--input": "/images"}, "--input /images is on this machine, where Dataflow's"),
        (GOOD, {"--input": "/no/such.csv"}, "--input /no/such.csv is on this machine"),
        (GOOD[:1], {}, "Dataflow's workers need --sdk_container_image, "),
        ((*GOOD, f"{CARDS}nvidia-l4"), {}, "worker_accelerator=nvidia-l4 names no cards; write"),
        ((*GOOD, f"{CARDS}type:nvidia-l4;count:0"), {}, "names no cards; write"),
        ((*GOOD, f"{CARDS}type:nvidia-l4;count:1"), {}, "count:1 wants --machine_type, of a kind"),
    ],
)
def test_what_cannot_run_is_refused(with_google, flags, places, message):
    with pytest.raises(UsageError) as refusal:
        check_dataflow(flags, {**PLACES, **places}.items())
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_what_can_run_is_not(with_google, tmp_path):
    manifest = tmp_path / "images.csv"
    manifest.write_text("image\ngs://photographs/cats/1.jpg\n")
    check_dataflow(GOOD, PLACES.items())
    check_dataflow(
        ("--runner", "DataflowRunner", IMAGE), {**PLACES, "--input": str(manifest)}.items()
    )
    cards = f"{CARDS}type:nvidia-tesla-t4;count:2;install-nvidia-driver:5xx"
    check_dataflow((*GOOD, cards, "--machine_type=n1-standard-8"), PLACES.items())
    check_dataflow((*GOOD, "--dataflow_service_options=enable_prime"), PLACES.items())
    check_dataflow(("--runner=FlinkRunner",), [("--table", "features")])


def test_google_s_libraries_are_asked_for_by_the_name_of_the_extra(monkeypatch):
    def nothing(name):
        raise ModuleNotFoundError(name)

    for found in (nothing, lambda _: None):
        monkeypatch.setattr(dataflow, "find_spec", found)
        with pytest.raises(UsageError, match=r"pip install '\.\[dataflow\]'"):
            check_dataflow(GOOD, PLACES.items())


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ((), None),
        (
            ("--runner=DataflowRunner",),
            [
                "--sdk_location=container",
                "--number_of_worker_harness_threads=1",
                "--experiments=no_use_multiple_sdk_containers",
            ],
        ),
        (
            ("--runner", "DataflowRunner", "--sdk_location", "x", "--experiments=use_runner_v2"),
            [
                "--number_of_worker_harness_threads=1",
                "--experiments=no_use_multiple_sdk_containers",
            ],
        ),
        (
            (RUNNER, "--experiments=use_multiple_sdk_containers"),
            ["--sdk_location=container", "--number_of_worker_harness_threads=1"],
        ),
        (("--runner=FlinkRunner",), None),
    ],
)
def test_what_is_not_given_is_filled_in(given, added):
    assert with_dataflow_defaults(given) == (*given, *(added or ()))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "--input {dataset} is on this machine, where Dataflow's workers cannot reach it; "),
        ({"--temp_location": "gs://B/t"}, "Invalid GCS bucket (gs://B/t), given for the option: "),
        ({"--project": "My Project"}, "Invalid Project ID (My Project)"),
        ({"--project": "123456"}, "specified the Project ID, not project number"),
        ({"--temp_location": "temp"}, "Invalid GCS path (temp), given for the option: temp_loc"),
    ],
)
def test_the_command_ends_before_any_work(dataset, monkeypatch, capsys, changed, message):
    options = {
        "--input": str(dataset),
        "--table": "gs://features/cats",
        "--runner": "DataflowRunner",
        "--project": "some-project",
        "--region": "europe-west4",
        "--temp_location": "gs://bucket/temp",
        **changed,
    }
    with base_forbidden(monkeypatch):
        assert extract.main([part for option in options.items() for part in option]) == 2
    (line,) = [each for each in capsys.readouterr().err.splitlines() if "error" in each]
    assert message.format(dataset=dataset) in line


def test_a_further_table_on_this_machine_is_refused_too(with_google, capsys):
    where = ["--input", PLACES["--input"], "--table", PLACES["--table"], "--region=europe-west1"]
    project = ["--project=some-project", "--temp_location=gs://bucket/temp"]
    also = ["--also", "VGG16:block5_conv3=gs://features/c", "--also", "ResNet50=features/resnet"]
    assert extract.main([*where, *also, *project, *GOOD]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: --also features/resnet is on this machine, where Dataflow's workers cannot reach "
        "it; name a place in gs://"
    )
