"""What the overlay's options become in Dataflow's own job: Beam's translation, as a dry run."""

import json
import shutil
from pathlib import Path
from string import Template

import pytest
import yaml

from tests.cluster.manifests import K8S
from tests.cluster.pods import Pod

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

OVERLAY = K8S / "overlays" / "dataflow"
CARDS = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver"
GRAPH = Path(__file__).parent / "dataflow_graph.py"

HARNESS = """
import json, os
from apache_beam.runners.worker.sdk_worker_main import create_harness
_, _, options = create_harness(dict(os.environ), dry_run=True)
print(json.dumps(options.get_all_options(drop_default=True)))
"""
"""Beam's harness as `boot` starts it, until it would call its runner."""


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


def test_a_worker_takes_the_job_s_options(built, pod, translated):
    given = json.dumps(translated["job"]["environment"]["sdkPipelineOptions"])
    environment = [f"PIPELINE_OPTIONS={given}", "CONTROL_API_SERVICE_DESCRIPTOR=url: 'localhost:1'"]
    done = pod.run(built["dataflow"], "env", *environment, "python", "-c", HARNESS)
    assert done.returncode == 0, done.stderr[-3000:]
    print(done.stdout, done.stderr)


def test_its_health_tells_a_library_of_google_s_that_is_broken(images, built, pod, tmp_path):
    config = images.config(built["dataflow"])
    assert config["Entrypoint"] == ["/opt/apache/beam/boot"]
    assert pod.run(built["dataflow"], *config["Healthcheck"]["Test"][1:]).returncode == 0
