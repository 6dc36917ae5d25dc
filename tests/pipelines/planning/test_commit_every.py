"""`--commit_every`: a long run becomes visible in parts, each of which is right by itself."""

import contextlib
import itertools
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import driver
from pipelines.driver import extract
from pipelines.errors import CommitRefusedError
from pipelines.extract import main
from pipelines.planning.cutting import cut_parts
from pipelines.records import ImageRef
from pipelines.shards.runner import RunnerError
from pipelines.table.compaction import merge_small_files
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.table.file_checks import check_files
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


@pytest.mark.acceptance
def test_parts_end_in_the_table_of_one_commit(job, tmp_path):
    report = extract(job)
    assert rows_by_version(job.table) == [30, 59, 88]
    assert ids(job.table, 1) < ids(job.table, 2) < ids(job.table, 3)
    assert (report.version, report.counts["written"], report.counts["present"]) == (3, 88, 0)
    extract(replace(job, table=str(tmp_path / "at once"), commit_every=None))
    assert content(job.table).equals(content(tmp_path / "at once"))


@pytest.mark.acceptance
def test_a_run_that_dies_in_its_second_part_keeps_the_first(job, monkeypatch):
    work = driver.extract_shards

    def dies_later(tables, shards):
        if FeatureTable.open_if_exists(job.table) is not None:
            raise RunnerError("the power went")
        return work(tables, shards)

    monkeypatch.setattr(driver, "extract_shards", dies_later)
    with pytest.raises(RunnerError):
        extract(job)
    assert rows_by_version(job.table) == [30]
    monkeypatch.undo()
    report = extract(job)
    assert (report.counts["present"], report.counts["written"]) == (30, 58)
    assert rows_by_version(job.table) == [30, 59, 88]


@pytest.mark.acceptance
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


@pytest.mark.acceptance
def test_a_failure_is_recorded_once_and_counted_in_every_part(job, images):
    for number in range(6):
        (images / f"train/light/light{number:03d}.png").write_bytes(b"no image")
    report = extract(job)
    assert (report.counts["new_failures"], report.counts["written"]) == (6, 82)
    assert len(report.failures) == read_failures(job.table).num_rows == 6
    with pytest.raises(CommitRefusedError, match="6 images failed"):
        extract(replace(job, table=job.table + "-2", max_failures=5))


@pytest.mark.acceptance
def test_pruning_waits_for_the_last_part(job, images):
    """An image of another name is not missed while it has neither row."""
    extract(replace(job, commit_every=None))
    (images / "train/dark/dark000.png").unlink()
    shutil.move(images / "test/dark/dark001.png", images / "test/light/moved.png")
    for number in range(4):
        write_image(images / f"train/dark/new{number}.png", seed=number)
    report = extract(replace(job, commit_every=2, prune=True))
    assert (report.counts["pruned"], report.counts["written"]) == (2, 5)
    assert rows_by_version(job.table) == [88, 90, 92, 91]
    assert "train/dark/dark000.png" in ids(job.table, 3)
    assert "train/dark/dark000.png" not in ids(job.table, 4)


@pytest.mark.acceptance
def test_a_shard_of_failures_alone_is_not_forgotten(job, images):
    (images / "train/light/light001.png").write_bytes(b"no image")
    report = extract(replace(job, commit_every=45, shard_rows=1))
    assert (report.counts["written"], report.counts["new_failures"]) == (87, 1)
    assert read_failures(job.table)["lasting"].to_pylist() == [True]


@pytest.mark.acceptance
def test_failures_of_a_run_that_died_are_not_forgotten(job, images, monkeypatch):
    (images / "train/light/light001.png").write_bytes(b"no image")
    work = driver.extract_shards

    def dies(tables, shards):
        work(tables, shards)
        raise RunnerError("the power went")

    monkeypatch.setattr(driver, "extract_shards", dies)
    with pytest.raises(RunnerError):
        extract(replace(job, commit_every=60))
    monkeypatch.undo()
    report = extract(replace(job, commit_every=10))
    assert (report.counts["written"], report.counts["new_failures"]) == (87, 1)


@contextlib.contextmanager
def between_parts(monkeypatch, before_part: int, act) -> Iterator[None]:
    """Have something done before the run in the block works on one of its parts."""
    work, parts, acted = driver.extract_shards, itertools.count(1), []

    def works(tables, shards):
        if next(parts) == before_part:
            acted.append(before_part)
            act()
        return work(tables, shards)

    with monkeypatch.context() as patch:
        patch.setattr(driver, "extract_shards", works)
        yield
    assert acted == [before_part]


@pytest.mark.acceptance
def test_another_run_in_between_breaks_no_version(job, images, monkeypatch):
    def act():
        write_image(images / min(ids(job.table, 1)), seed=999)
        extract(replace(job, commit_every=None))

    with between_parts(monkeypatch, 2, act):
        report = extract(job)
    for version in range(1, report.version + 1):
        assert not list(check_files(FeatureTable.open(job.table, version)))
    assert FeatureTable.open(job.table).keys().num_rows == 88


@pytest.mark.acceptance
def test_tidying_in_between_breaks_no_version(job, monkeypatch):
    def tidy():
        merge_small_files(FeatureTable.open(job.table))

    with between_parts(monkeypatch, 3, tidy):
        report = extract(job)
    for version in range(1, report.version + 1):
        assert not list(check_files(FeatureTable.open(job.table, version)))


@pytest.mark.acceptance
def test_a_known_failure_mended_by_another_run(job, images, monkeypatch):
    broken = images / "train/light/light001.png"
    good = broken.read_bytes()
    broken.write_bytes(b"no image")
    extract(replace(job, commit_every=None))
    for number in range(4):
        write_image(images / f"train/dark/new{number}.png", seed=number)

    def act():
        broken.write_bytes(good)
        extract(replace(job, commit_every=None))

    with between_parts(monkeypatch, 2, act):
        extract(replace(job, commit_every=2))
    assert FeatureTable.open(job.table).keys().num_rows == 92


@pytest.mark.acceptance
def test_an_image_that_is_still_being_written_waits_for_the_next_run(job, images, monkeypatch):
    copied = []

    def grow():
        copied[0].write_bytes(copied[0].read_bytes() + b"\0" * 10)

    work = driver.extract_shards

    def works(tables, shards):
        if not copied:
            copied.append(images / shards[0].refs[0].image_id)
        grow()
        return work(tables, shards)

    monkeypatch.setattr(driver, "extract_shards", works)
    extract(job)
    monkeypatch.undo()
    assert FeatureTable.open(job.table).keys().num_rows == 88
    assert extract(job).counts["replaced"] == 1


@pytest.mark.acceptance
def test_a_refused_run_s_failures_count_again(job, images):
    for number in range(20):
        (images / f"train/light/light{number:03d}.png").write_bytes(b"no image")
    limited = replace(job, max_failures=10)
    with pytest.raises(CommitRefusedError, match="failed, more than the 10 allowed; nothing more"):
        extract(limited)
    for _ in range(3):
        with pytest.raises(CommitRefusedError, match="failed, more than the 10 allowed"):
            extract(limited)


@pytest.mark.acceptance
def test_the_command_says_which_part_is_which_version(images, tmp_path, capsys):
    table = str(tmp_path / "features")
    told = ["--weights", "random:1", "--image_size", "32", "--engine", "keras"]
    assert main(["--input", str(images), "--table", table, *told, "--commit_every", "50"]) == 0
    shown = capsys.readouterr()
    assert re.search(r"88 to extract in \d+ shards and 2 parts", shown.err)
    assert "part 1 of 2 is version 1" in shown.err
    assert main(["--input", str(images), "--table", table, "--commit_every", "0"]) == 2
