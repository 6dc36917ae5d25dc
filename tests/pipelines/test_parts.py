"""`--commit_every`: a long run becomes visible in parts, each of which is right by itself."""

import re
import shutil
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.driver import extract
from pipelines.errors import CommitRefusedError
from pipelines.extract import main
from pipelines.planning import cut_parts
from pipelines.records import ImageRef
from pipelines.run import Run
from pipelines.runner import RunnerError
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from tests.conftest import write_image
from tests.pipelines.test_increments import content


@pytest.fixture
def images(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "images")
    return tmp_path / "images"


@pytest.fixture
def job(images, make_job, tmp_path):
    return make_job(images, tmp_path / "features", shard_rows=16, commit_every=30)


def rows_by_version(table) -> list[int]:
    newest = FeatureTable.open(table).version
    return [FeatureTable.open(table, v).keys().num_rows for v in range(1, newest + 1)]


def ids(table, version) -> set[str]:
    return set(FeatureTable.open(table, version).keys()["image_id"].to_pylist())


def refs(count: int) -> list[ImageRef]:
    names = [f"{('train', 'test')[n % 2]}/{n % 3}/{n:05d}" for n in range(count)]
    return [ImageRef(name, name, None, name[:5], 1, 0, 0) for name in sorted(names)]


@given(count=st.integers(0, 60), most=st.one_of(st.none(), st.integers(1, 25)))
def test_every_image_is_in_one_part_of_bounded_size(count, most):
    parts = cut_parts(refs(count), most)
    assert sorted(r.image_id for part in parts for r in part) == [r.image_id for r in refs(count)]
    sizes = [len(part) for part in parts]
    assert all(1 <= size <= (most or count) for size in sizes)
    assert not sizes or max(sizes) - min(sizes) <= 1
    assert all(part == sorted(part, key=lambda r: r.image_id) for part in parts)


def test_a_part_is_a_fair_sample():
    for part in cut_parts(refs(6000), 1000):
        counts = Counter((ref.split, ref.image_id.split("/")[1]) for ref in part)
        assert len(counts) == 6
        assert all(120 < count < 215 for count in counts.values())  # of 167, five deviations


def test_parts_end_in_the_table_of_one_commit(job, tmp_path):
    report = extract(job)
    assert rows_by_version(job.table) == [30, 59, 88]
    assert ids(job.table, 1) < ids(job.table, 2) < ids(job.table, 3)
    assert (report.version, report.counts["written"], report.counts["present"]) == (3, 88, 0)
    extract(replace(job, table=str(tmp_path / "at once"), commit_every=None))
    assert content(job.table).equals(content(tmp_path / "at once"))


def test_a_run_that_dies_in_its_second_part_keeps_the_first(job, monkeypatch):
    work = Run.work

    def dies_later(run, shards):
        if FeatureTable.open_if_exists(job.table) is not None:
            raise RunnerError("the power went")
        return work(run, shards)

    monkeypatch.setattr(Run, "work", dies_later)
    with pytest.raises(RunnerError):
        extract(job)
    assert rows_by_version(job.table) == [30]
    monkeypatch.undo()
    report = extract(job)
    assert (report.counts["present"], report.counts["written"]) == (30, 58)
    assert rows_by_version(job.table) == [30, 59, 88]


def test_a_changed_image_keeps_its_old_row_until_its_turn(job, images):
    extract(replace(job, commit_every=None))
    for number in range(24):
        write_image(images / f"train/dark/dark{number:03d}.png", seed=500 + number)
    report = extract(replace(job, commit_every=8))
    assert (report.counts["written"], report.counts["replaced"]) == (24, 24)
    assert rows_by_version(job.table) == [88, 88, 88, 88]
    first, *later = (hashes(job.table, version) for version in (1, 2, 3, 4))
    changed = [sum(first[name] != sha256 for name, sha256 in each.items()) for each in later]
    assert changed == [8, 16, 24]


def hashes(table, version) -> dict[str, str]:
    keys = FeatureTable.open(table, version).keys()
    return dict(zip(keys["image_id"].to_pylist(), keys["sha256"].to_pylist(), strict=True))


def test_a_failure_is_recorded_once_and_counted_in_every_part(job, images):
    for number in range(6):
        (images / f"train/light/light{number:03d}.png").write_bytes(b"no image")
    report = extract(job)
    assert (report.counts["new_failures"], report.counts["written"]) == (6, 82)
    assert len(report.failures) == read_failures(job.table).num_rows == 6
    with pytest.raises(CommitRefusedError, match="6 images failed"):
        extract(replace(job, table=job.table + "-2", max_failures=5))


def test_pruning_and_relabelling_happen_with_the_first_part(job, images):
    extract(replace(job, commit_every=None))
    (images / "train/dark/dark000.png").unlink()
    shutil.move(images / "test/dark/dark001.png", images / "test/light/moved.png")
    for number in range(4):
        write_image(images / f"train/dark/new{number}.png", seed=number)
    report = extract(replace(job, commit_every=2, prune=True))
    assert (report.counts["pruned"], report.counts["written"]) == (2, 5)
    assert rows_by_version(job.table)[-1] == FeatureTable.open(job.table).keys().num_rows == 91
    assert "train/dark/dark000.png" not in ids(job.table, 2)


def test_the_command_says_which_part_is_which_version(images, tmp_path, capsys):
    table = str(tmp_path / "features")
    told = ["--weights", "random:1", "--image_size", "32", "--engine", "keras"]
    assert main(["--input", str(images), "--table", table, *told, "--commit_every", "50"]) == 0
    shown = capsys.readouterr()
    assert re.search(r"88 to extract in \d+ shards and 2 parts", shown.err)
    assert "part 1 of 2 is version 1" in shown.err
    assert main(["--input", str(images), "--table", table, "--commit_every", "0"]) == 2
