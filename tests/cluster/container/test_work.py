"""Extraction, training, evaluation and prediction inside the images."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import classifiers
from pipelines.table.feature_table import FeatureTable
from tests.cluster.container.commands import SMALL, USER, extract, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

POOL = "--environment_type=EXTERNAL", "--environment_config=localhost:50000"


def vectors(table: Path) -> dict[str, np.ndarray]:
    """Every image's features by its id, all splits."""
    found: dict[str, np.ndarray] = {}
    for split in ("train", "validation", "test"):
        features, _, ids = classifiers.load(str(table), split=split)
        found.update(zip(ids, features, strict=True))
    return found


def largest_error(found: Path, expected: Path) -> float:
    """The largest relative L2 error of any image; both tables must hold the same images."""
    ours, theirs = vectors(found), vectors(expected)
    assert ours.keys() == theirs.keys()
    assert len(ours) == 88
    return max(
        float(np.linalg.norm(ours[name] - theirs[name]) / np.linalg.norm(theirs[name]))
        for name in ours
    )


def contract_of(table: Path) -> str:
    return FeatureTable.open(str(table)).contract.contract_id


@pytest.mark.parametrize("engine", ["keras", "openvino", "ncnn"])
def test_the_worker_extracts_with_every_engine(built, pod, volumes, table, engine):
    done = pod.run(built["worker"], *extract(f"by-{engine}"), f"--engine={engine}")
    assert done.returncode == 0, done.stderr
    made = volumes["/data"] / f"by-{engine}"
    assert largest_error(made, table) <= (1e-6 if engine == "keras" else 1e-4)
    assert contract_of(made) == contract_of(table)
    assert made.stat().st_uid == USER


def test_boot_s_workers_extract_what_the_embedded_runner_does(
    images, built, pod, volumes, features
):
    worker, submit = built["worker"], built["submit"]
    config = images.config(worker)
    health = config["Healthcheck"]["Test"][1:]
    early = pod.run(worker, *health)
    assert early.returncode == 1
    assert early.stderr.startswith("no worker pool answers on localhost:50000: UNAVAILABLE\n")

    log = volumes["/tmp"] / "pool.log"
    pod.start(worker, *config["Entrypoint"], *config["Cmd"], log=log)
    assert wait_until(lambda: pod.run(worker, *health).returncode == 0, 90), log.read_text()

    service = "apache_beam.runners.portability.local_job_service_main"
    job_log = volumes["/tmp"] / "job.log"
    pod.start(submit, "python", "-m", service, "--port=8099", log=job_log)
    assert wait_until(lambda: "Listening" in job_log.read_text(), 60), job_log.read_text()
    over = ("--runner=PortableRunner", "--job_endpoint=localhost:8099", *POOL)
    done = pod.run(submit, *extract("over-boot"), "--engine=keras", *over)
    assert done.returncode == 0, f"{done.stderr}\n{log.read_text()}"
    assert "Starting worker with command ['/opt/apache/beam/boot'" in log.read_text()
    assert "Downloaded: /tmp/staged/" in log.read_text()
    assert largest_error(volumes["/data"] / "over-boot", features) == 0


def test_the_trainer_trains_evaluates_and_predicts(built, pod, volumes, features):
    mounted = {"/weights": volumes["/data"].parent / "weights"}
    made = volumes["/data"]
    heads = {"dense": ("--epochs=5", "--learning_rate=0.001"), "logistic": ()}
    for head, more in heads.items():
        model = f"--model=/data/{head}"
        steps = [
            ("train", "--table=/data/features", f"--head={head}", *more),
            ("evaluate", "--table=/data/features", f"--json=/data/{head}.json"),
            ("predict", "--table=/data/features", "--split=test", f"--output=/data/{head}.parquet"),
            ("predict", "--input=/data/images/test", SMALL[1], f"--output=/data/{head}-2.parquet"),
        ]
        for name, *rest in steps:
            command = ("python", "-m", f"classifiers.{name}", model, *rest)
            done = pod.run(built["trainer"], *command, hidden=mounted)
            assert done.returncode == 0, done.stderr
        assert json.loads((made / f"{head}.json").read_text())["accuracy"] >= 0.95
        stored = pq.read_table(made / f"{head}.parquet").to_pydict()
        direct = pq.read_table(made / f"{head}-2.parquet").to_pydict()
        names = [name.removeprefix("test/") for name in stored["image_id"]]
        by_name = dict(zip(direct["image_id"], direct["probability"], strict=True))
        assert len(by_name) == 20
        expected = np.array([by_name[name] for name in names])
        np.testing.assert_allclose(stored["probability"], expected, rtol=1e-3)
