"""What the overlay's options become in Dataflow's own job: Beam's translation, as a dry run."""

import json
import os
import subprocess
import sys
from string import Template

import pytest
import yaml

from tests.cluster.manifests import K8S
from tests.cluster.tools import python_packages
from tests.conftest import ROOT

pytestmark = pytest.mark.cluster

OVERLAY = K8S / "overlays" / "dataflow"
GOOGLE = (
    "google-api-core==2.44.0",
    "google-cloud-core==2.8.0",
    "google-cloud-dataflow-client==0.13.0",
    "google-cloud-storage==3.17.1",
    "google-crc32c==1.9.0",
    "google-resumable-media==2.11.0",
    "googleapis-common-protos==1.76.0",
    "grpcio-status==1.85.1",
)
"""What Beam describes a job to Dataflow with. Apart from the other packages: where they are
installed, Beam imports them in every process."""

CARDS = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver"


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


def translated(*arguments):
    command = [sys.executable, "-m", "tests.cluster.dataflow_graph", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(python_packages("dataflow", *GOOGLE))}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_the_overlay_s_options_become_a_job(flags, options):
    cards = [f"--dataflow_service_options={CARDS}", "--machine_type=g2-standard-8"]
    given = [*(each for each in flags if not each.startswith("--machine_type")), *cards]
    seen = translated(options["INPUT"], options["TABLE"], *given)
    environment = seen["job"]["environment"]
    (pool,) = environment["workerPools"]
    (image,) = pool["sdkHarnessContainerImages"]
    assert seen["job"]["type"] == "JOB_TYPE_BATCH"
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
    assert "ExtractShards/ParDo(_ExtractShard)" in seen["transforms"]
    assert "Create/Impulse" in seen["transforms"]
