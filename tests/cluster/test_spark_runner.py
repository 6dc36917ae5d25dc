"""Extraction on a real standalone Spark 3.5: one master, one worker, executors of two cores."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.runs import CHEAP, Submission, submit
from tests.cluster.spark_cluster import SparkCluster, spark_cluster
from tests.faults.commands import content

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SHARDS = ("--shard_size", "4")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    with spark_cluster(tmp_path_factory.mktemp("spark") / "cluster") as started:
        yield started


@pytest.fixture(scope="module")
def eighty(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("eighty") / "images"
    for split in ("train", "test"):
        for label in ("cats", "dogs"):
            folder = root / split / label
            folder.mkdir(parents=True)
            for path in sorted((photographs / split / label).iterdir())[:20]:
                (folder / path.name).symlink_to(path.resolve())
    return root


def test_spark_writes_the_embedded_runner_s_table_though_an_executor_is_killed(
    spark, eighty, tmp_path
):
    submit(eighty, tmp_path / "embedded", CHEAP)
    reference = content(tmp_path / "embedded")
    assert reference.num_rows == 80
    ended = submit(eighty, tmp_path / "quiet", [*CHEAP, "--shard_size", "20", *spark.flags()])
    assert content(tmp_path / "quiet").equals(reference)
    assert ended.result["written"] == 80
    assert sum(ended.result["waits"].values()) > 0  # Beam's counters came back from the executors
    assert ended.result["mean_batch"] == 80 / 8  # shards of 16 + 4
    assert "80 of 80 images" in ended.err
    assert "Traceback" not in ended.err
    submission = Submission(eighty, tmp_path / "hurt", [*CHEAP, *SHARDS, *spark.flags()])
    submission.wait_for_files(3)
    (executor,) = spark.executors()
    os.kill(executor, signal.SIGKILL)
    hurt = submission.end()
    assert hurt.status == 0, hurt.err
    assert content(tmp_path / "hurt").equals(reference)
    again = submit(eighty, tmp_path / "hurt", CHEAP)
    assert (again.result["written"], again.result["present"]) == (0, 80)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_submitter_that_is_told_to_end_takes_its_job_along(spark, eighty, tmp_path, number):
    submission = Submission(eighty, tmp_path / "features", [*CHEAP, *SHARDS, *spark.flags()])
    submission.wait_for_files(1)
    assert spark.running()
    submission.stop(number)
    ended = submission.end(30)
    assert ended.status == 128 + number
    assert "finished shards are kept" in ended.err
    until = time.monotonic() + 30
    while spark.running() or spark.executors():
        assert time.monotonic() < until, "the job goes on without its submitter"
        time.sleep(0.2)
