"""The image for Dataflow, as far as it goes without Google: a job, a harness, and what is in it."""

import json
import shutil
import sys
from importlib.metadata import distributions
from pathlib import Path
from string import Template

import pytest
import yaml
from packaging.utils import canonicalize_name

from supply_chain import google_libraries
from supply_chain.bundled import libraries, parts_of_ffmpeg
from supply_chain.licences import licence_of
from tests.cluster.container.commands import SMALL, wait_until
from tests.cluster.go_programs import go_program
from tests.cluster.manifests import K8S
from tests.cluster.pods import Pod

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

OVERLAY = K8S / "overlays" / "dataflow"
CARDS = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver"
GRAPH, WORKER, SERVICE = (
    Path(__file__).parent / f"dataflow_{name}.py" for name in ("graph", "worker", "service")
)


@pytest.fixture(scope="module")
def options() -> dict[str, str]:
    return {**yaml.safe_load((OVERLAY / "options.yaml").read_text())["data"], "PARALLELISM": "7"}


@pytest.fixture(scope="module")
def flags(options) -> list[str]:
    """What the submitter's pod gives Beam."""
    (patch,) = yaml.safe_load((OVERLAY / "submit.yaml").read_text())
    return [
        Template(each.replace("$(", "${").replace(")", "}")).substitute(options)
        for each in patch["value"]
    ]


@pytest.fixture(scope="module")
def translated(images, built, volumes, flags, options):
    """The job that the image describes, with cards."""
    shutil.copy(GRAPH, volumes["/data"])
    cards = [f"--dataflow_service_options={CARDS}", "--machine_type=g2-standard-8"]
    given = [*(each for each in flags if not each.startswith("--machine_type")), *cards]
    command = ("python", f"/data/{GRAPH.name}", options["INPUT"], options["TABLE"], *given)
    with Pod(images, volumes) as pod:
        done = pod.run(built["dataflow"], *command)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_the_overlay_s_options_become_a_job(translated, options):
    environment = translated["job"]["environment"]
    (pool,) = environment["workerPools"]
    (image,) = pool["sdkHarnessContainerImages"]
    assert translated["job"]["type"] == "JOB_TYPE_BATCH"
    assert environment["serviceAccountEmail"] == options["WORKER_ACCOUNT"]
    assert environment["serviceOptions"] == [CARDS]
    assert "no_use_multiple_sdk_containers" in environment["experiments"]
    assert "use_multiple_sdk_containers" not in environment["experiments"]
    bucket = options["TEMP_LOCATION"].removeprefix("gs://")
    assert environment["tempStoragePrefix"].startswith(f"storage.googleapis.com/{bucket}/")
    assert pool["machineType"] == "g2-standard-8"
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 7
    assert pool["ipConfiguration"] == "WORKER_IP_PRIVATE"
    assert pool["numThreadsPerWorker"] == 1
    assert image["containerImage"] == options["WORKER_IMAGE"]
    assert "ExtractShards/ParDo(_ExtractShard)" in translated["transforms"]
    assert "Create/Impulse" in translated["transforms"]


def test_boot_starts_a_harness_that_takes_the_job_s_options(built, pod, volumes, translated):
    given = translated["job"]["environment"]["sdkPipelineOptions"]
    (volumes["/data"] / "options.json").write_text(json.dumps(given))
    shutil.copy(WORKER, volumes["/data"])
    done = pod.run(built["dataflow"], "python", f"/data/{WORKER.name}", "/data/options.json")
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    assert seen["asked"] == 1
    (taken,) = [each for each in seen["logged"] if each.startswith("Pipeline_options: ")]
    assert "'project': 'my-project'" in taken
    assert "'number_of_worker_harness_threads': 1" in taken
    assert "apache_beam.io.gcp.gcsfilesystem.GCSFileSystem" in taken
    assert not [each for each in seen["logged"] if each.startswith("Failed to import")]


def test_a_job_is_submitted_done_and_committed(built, pod, volumes, flags, dataset, tmp_path):
    """By services on loopback that stand in for Google's: storage, and Dataflow itself."""
    go_program("fake-gcs-server")  # the pod reaches nobody who would have its sources
    stored, served = tmp_path / "stored.log", tmp_path / "served.log"
    storage = (sys.executable, "-m", "tests.cluster.container.dataflow_storage")
    pod.start_beside(*storage, str(tmp_path), str(dataset), log=stored)
    assert wait_until(lambda: "http://" in stored.read_text(), 60), stored.read_text()
    google = ("env", f"STORAGE_EMULATOR_HOST={stored.read_text().strip()}", "python")
    shutil.copy(SERVICE, volumes["/data"])
    pod.start(built["dataflow"], *google, f"/data/{SERVICE.name}", "8080", log=served)
    assert wait_until(lambda: "ready" in served.read_text(), 60), served.read_text()

    places = ("--input=gs://features/images", "--table=gs://features/table", *SMALL)
    ours = [each for each in flags if not each.startswith("--temp_location")]
    over = (
        "--temp_location=gs://features/temp",
        "--no_auth",
        "--dataflow_endpoint=http://localhost:8080",
    )
    command = ("-m", "pipelines.extract", *places, "--engine=ncnn", "--batch_size=8", *ours, *over)
    done = pod.run(built["dataflow"], *google, *command)
    assert done.returncode == 0, f"{done.stderr}\n{served.read_text()}"
    assert "written          88" in done.stdout
    _, submitted, *asked = served.read_text().splitlines()
    jobs = "/v1b3/projects/my-project/locations/europe-west4/jobs"
    assert submitted == f"POST {jobs}"
    assert asked[-1] == f"GET {jobs}/the-job/metrics"


def test_dataflow_s_arguments_go_to_boot(images, built):
    assert images.config(built["dataflow"])["Entrypoint"] == ["/opt/apache/beam/boot"]


def test_the_page_of_licences_knows_what_is_in_this_image_alone(images, built):
    with images.files(built["dataflow"]) as root:
        place = str(root / "opt/venv/lib/python3.11/site-packages")
        packages = {canonicalize_name(each.name): each for each in distributions(path=[place])}
        ours = {name: packages[name] for name in google_libraries.LICENCES}
        said = {name: licence_of(package) for name, package in ours.items()}
        brought = {library: name for name in ours for library, _ in libraries(ours[name])}
        of_ffmpeg = [part for package in ours.values() for part in parts_of_ffmpeg(package)]
    assert said == google_libraries.LICENCES
    assert brought == google_libraries.BROUGHT
    assert not of_ffmpeg
