"""Extraction on a real Flink cluster: two TaskManagers, a Beam worker pool beside each."""

import itertools
import time
from pathlib import Path
from typing import Any

import pytest

from pipelines.table.feature_table import FeatureTable
from tests.cluster.flink import FlinkCluster
from tests.cluster.runs import CHEAP, Submission, submit
from tests.faults.commands import content
from tests.photographs import some_photographs

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(2400)]

SHARDS = ("--shard_size", "8")


def test_the_book_s_base_gives_the_embedded_runner_s_table(
    cluster, photographs, imagenet_weights, tmp_path
):
    """VGG16 with its ImageNet weights, as it is by default, on photographs; two layers of it."""
    images = some_photographs(photographs, tmp_path / "images", train=33, test=17)
    base = ["--weights", str(imagenet_weights), "--engine", "ncnn", "--max_failures", "0"]
    also = f"VGG16:block4_pool:avg={tmp_path}/"
    here = submit(images, tmp_path / "embedded", [*base, "--also", f"{also}embedded-block4"])
    flink = [*base, *cluster.flags(), "--also", f"{also}flink-block4"]
    there = submit(images, tmp_path / "flink", flink)
    assert here.result["written"] == there.result["written"] == 100
    assert [each["written"] for each in there.result["also"]] == [100]
    assert there.result["engine"] == "ncnn"
    # Batches of 32 of shards of 64, the last of each split smaller: 64 + 2, and 34.
    assert there.result["mean_batch"] == 100 / 5
    for table in ("", "-block4"):
        assert content(tmp_path / f"flink{table}").equals(content(tmp_path / f"embedded{table}"))


def test_a_job_s_work_is_counted_shared_and_batched(cluster, four_hundred, reference, tmp_path):
    ended = submit(four_hundred, tmp_path / "t", [*CHEAP, "--shard_size", "50", *cluster.flags()])
    assert content(tmp_path / "t").equals(reference)
    assert sum(ended.result["waits"].values()) > 0  # Beam's counters came back from the workers
    assert ended.result["mean_batch"] == 50 / 4  # shards of 16 + 16 + 16 + 2
    assert shares(cluster) == [4, 4]
    assert newest_job(cluster)["name"] == f"frozen-features-{ended.result['run'].lower()}"
    assert "400 of 400 images" in ended.err
    assert "Traceback" not in ended.err
    assert "WARNING" not in ended.err


def newest_job(cluster: FlinkCluster) -> dict[str, Any]:
    return max(cluster.get("/jobs/overview")["jobs"], key=lambda job: job["start-time"])


def shares(cluster: FlinkCluster) -> list[int]:
    """Shards that each TaskManager extracted in the newest job."""
    job = newest_job(cluster)["jid"]
    for vertex in cluster.get(f"/jobs/{job}")["vertices"]:
        if "ParDo(_ExtractShard)" in vertex["name"]:
            detail = cluster.get(f"/jobs/{job}/vertices/{vertex['id']}")
            return sorted(each["metrics"]["read-records"] for each in detail["subtasks"])
    raise AssertionError("no step that extracts")


def test_a_long_run_is_visible_in_right_parts(cluster, four_hundred, reference, tmp_path):
    table = tmp_path / "features"
    submit(four_hundred, table, [*CHEAP, *SHARDS, "--commit_every", "150", *cluster.flags()])
    sizes = [FeatureTable.open(str(table), v).keys().num_rows for v in (1, 2, 3)]
    assert sizes == [134, 267, 400]
    assert content(table).equals(reference)
    rows = {row["image_id"]: row for row in reference.to_pylist()}
    first = (
        FeatureTable.open(str(table), 1).dataset().to_table(columns=list(reference.column_names))
    )
    assert all(rows[row["image_id"]] == row for row in first.to_pylist())


def test_memory_of_a_worker_does_not_grow_with_its_bundle(cluster, four_hundred, tmp_path):
    """Flink hands a worker half of all shards in one bundle, however many they are."""
    many = tmp_path / "many"
    for copy, path in itertools.product(range(4), sorted(four_hundred.glob("*/*/*"))):
        place = many / path.parent.relative_to(four_hundred)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{copy}-{path.name}").symlink_to(path.resolve())
    options = [*CHEAP, *SHARDS, *cluster.flags()]
    few_peak = peak_of_workers(cluster, four_hundred, tmp_path / "few", options)
    many_peak = peak_of_workers(cluster, many, tmp_path / "much", options)
    print(
        f"\npeak of a worker: {few_peak / 2**20:.0f} MiB for 400, {many_peak / 2**20:.0f} for 1600"
    )
    assert many_peak <= 1.15 * few_peak


def peak_of_workers(cluster: FlinkCluster, images: Path, table: Path, options: list[str]) -> int:
    """Largest resident memory, in bytes, that a Beam worker reached during one run."""
    submission = Submission(images, table, options)
    peak = 0
    while submission.runs:
        for number in range(cluster.workers):
            for pid in descendants(cluster.pids(f"pool{number}")):
                peak = max(peak, resident_peak(pid))
        time.sleep(0.05)
    assert submission.end().status == 0
    return peak


def descendants(pid: int) -> list[int]:
    listings = Path(f"/proc/{pid}/task").glob("*/children")
    try:
        return [int(text) for listing in listings for text in listing.read_text().split()]
    except OSError:
        return []


def resident_peak(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
