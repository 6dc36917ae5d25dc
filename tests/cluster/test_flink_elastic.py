"""Workers join and leave in the middle of a run: `--execution_mode_for_batch=BATCH_FORCED`."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cluster.flink import FlinkCluster
from tests.cluster.runs import CHEAP, Submission
from tests.cluster.test_flink import newest_job
from tests.faults.commands import content

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.timeout(900)]

SHARDS, NUMBER_OF_SHARDS = ("--shard_size", "8"), 51
PARTS = 5
ELASTIC = ("--execution_mode_for_batch=BATCH_FORCED", f"--parallelism={PARTS}")
"""The shards in five parts, each of which starts when a TaskManager is free."""


@pytest.fixture
def growing(tmp_path, engines_cache):
    """A cluster of two workers of a core each, of which one is there."""
    cluster = FlinkCluster(tmp_path / "cluster", 2, core_of=(0, 1))
    try:
        cluster.start_jobmanager()
        cluster.start_pool(0)
        cluster.start_taskmanager(0)
        cluster.wait(lambda: cluster.get("/overview")["slots-available"] == 1)
        yield cluster
    finally:
        cluster.stop()


def test_a_worker_that_joins_gets_work_and_one_that_leaves_loses_none(
    growing, four_hundred, reference, tmp_path
):
    table = tmp_path / "features"
    flags = [flag for flag in growing.flags() if not flag.startswith("--parallelism")]
    submission = Submission(four_hundred, table, [*CHEAP, *SHARDS, *flags, *ELASTIC])
    submission.wait_for_files(1)
    growing.start_pool(1)
    growing.start_taskmanager(1)
    growing.wait(lambda: len(workers_at_it(growing)) == 2, 120)
    joined = submission.finished_files()
    submission.wait_for_files(joined + 10)
    one, two = rates(table, joined)
    print(f"\none worker {one:.1f} images/s, two {two:.1f}")
    left = submission.finished_files()
    growing.kill("taskmanager0")
    growing.kill("pool0")
    again = submission.most_files() - NUMBER_OF_SHARDS
    ended = submission.end()
    print(f"a worker joined after {joined} of 51 shards, one left after {left}, {again} done twice")
    assert ended.status == 0, ended.err
    assert again <= 1  # what the worker that stayed was at
    assert content(table).equals(reference)


def workers_at_it(cluster: FlinkCluster) -> Counter[str]:
    """Parts that each TaskManager extracts just now."""
    job = newest_job(cluster)["jid"]
    for vertex in cluster.get(f"/jobs/{job}")["vertices"]:
        if "ParDo(_ExtractShard)" in vertex["name"]:
            parts = cluster.get(f"/jobs/{job}/vertices/{vertex['id']}")["subtasks"]
            running = [each for each in parts if each["status"] == "RUNNING"]
            return Counter(each["taskmanager-id"] for each in running)
    raise AssertionError("no step that extracts")


def rates(table: Path, joined: int) -> tuple[float, float]:
    """Images a second before and after the second worker joined; starts of workers are left out."""
    times = sorted(path.stat().st_mtime for path in (table / "data").glob("*.parquet"))
    steps = [later - earlier for earlier, later in pairwise(times)]
    before, after = steps[: joined - 1], steps[joined:]
    return (8 / sorted(each)[len(each) // 2] for each in (before, after))
