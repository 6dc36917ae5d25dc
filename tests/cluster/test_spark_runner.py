"""Extraction on a real standalone Spark 3.5: one master, one worker, executors of two cores."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from tests.cluster.runs import CHEAP, Submission, embedded, submit
from tests.cluster.spark_cluster import SparkCluster, spark_cluster
from tests.faults.commands import content
from tests.photographs import some_photographs

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SHARDS = ("--shard_size", "4")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    with spark_cluster(tmp_path_factory.mktemp("spark") / "cluster") as started:
        yield started


@pytest.fixture(scope="module")
def forty(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return some_photographs(photographs, tmp_path_factory.mktemp("forty"), train=10, test=10)


@pytest.fixture(scope="module")
def expected(
    forty: Path, tmp_path_factory: pytest.TempPathFactory, engines_cache: Path
) -> pa.Table:
    """What the embedded runner makes of them."""
    rows = embedded(forty, tmp_path_factory.mktemp("expected") / "features", engines_cache)
    assert rows.num_rows == 40
    return rows


def test_spark_gives_the_embedded_runner_s_table_and_counts(spark, forty, expected, tmp_path):
    flags = [*CHEAP, "--shard_size", "20", *spark.flags()]
    ended = submit(forty, tmp_path / "features", flags)
    assert content(tmp_path / "features").equals(expected)
    assert ended.result["written"] == 40
    assert sum(ended.result["waits"].values()) > 0  # Beam's counters came back from the executors
    assert ended.result["mean_batch"] == 40 / 4  # shards of 16 + 4
    assert "40 of 40 images" in ended.err
    assert "Traceback" not in ended.err
    assert "WARNING" not in ended.err


def test_a_killed_executor_loses_and_doubles_no_row(spark, forty, expected, tmp_path):
    submission = Submission(forty, tmp_path / "features", [*CHEAP, *SHARDS, *spark.flags()])
    submission.wait_for_files(2)
    (executor,) = spark.executors()
    os.kill(executor, signal.SIGKILL)
    ended = submission.end()
    assert ended.status == 0, ended.err
    assert content(tmp_path / "features").equals(expected)


def test_ctrl_c_takes_the_job_along(spark, forty, tmp_path):
    submission = Submission(forty, tmp_path / "features", [*CHEAP, *SHARDS, *spark.flags()])
    submission.wait_for_files(1)
    assert spark.running()
    submission.stop(signal.SIGINT)
    ended = submission.end(30)
    assert ended.status == 128 + signal.SIGINT
    assert "finished shards are kept" in ended.err
    until = time.monotonic() + 30
    while spark.running() or spark.executors():
        assert time.monotonic() < until, "the job goes on without its submitter"
        time.sleep(0.2)
