"""What the overlay's options become in Dataflow's own job: Beam's translation, as a dry run."""

import importlib.util
import json
import subprocess
import sys
from string import Template

import pytest
import yaml

from pipelines.shards.beam_flags import check_beam_flags
from pipelines.shards.dataflow import check_dataflow
from pipelines.shards.runner_check import check_runner
from tests.cluster.manifests import K8S
from tests.cluster.tools import absent
from tests.conftest import ROOT

pytestmark = pytest.mark.cluster

OVERLAY = K8S / "overlays" / "dataflow"
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


def translated(flags):
    command = [sys.executable, "-m", "tests.cluster.dataflow_graph", *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_the_overlay_s_options_become_a_job(flags, options, monkeypatch):
    if importlib.util.find_spec("google.cloud.dataflow_v1beta3") is None:
        absent("Dataflow's client is not installed; pip install '.[cluster]'")
    cards = [f"--dataflow_service_options={CARDS}", "--machine_type=g2-standard-8"]
    given = [*(each for each in flags if not each.startswith("--machine_type")), *cards]
    monkeypatch.setattr("pipelines.shards.dataflow.has_google_libraries", lambda: True)
    check_beam_flags(given, [])
    check_runner(given)
    check_dataflow(given, {"--input": options["INPUT"], "--table": options["TABLE"]})
    seen = translated(given)
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
