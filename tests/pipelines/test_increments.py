"""A table follows its input: new, changed, relabelled, moved and vanished images."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.bases import base_named, load_base
from pipelines.driver import extract
from pipelines.errors import CommitRefusedError
from pipelines.extract import main
from pipelines.table.feature_table import FeatureTable
from tests.conftest import ROOT, TINY, base_forbidden, copy_table, write_image

CHEAP = ["--weights", "random:1", "--image_size", "32"]
PLACE = ["image_id", "copy", "label", "split", "sha256", "features"]


def content(table: Path) -> pa.Table:
    """What makes two tables equal: identity, label, split, source hash, features to the bit."""
    rows = FeatureTable.open(str(table)).dataset().to_table(columns=PLACE)
    return rows.sort_by([("image_id", "ascending"), ("copy", "ascending")])


@pytest.fixture
def images(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "images")
    return tmp_path / "images"


@pytest.fixture
def job(images, table, make_job, tmp_path):
    copy_table(table, tmp_path / "features")
    return make_job(images, tmp_path / "features", shard_rows=16)


def fresh(job, tmp_path) -> pa.Table:
    """What a run over the same input into a new table gives."""
    extract(replace(job, table=str(tmp_path / "fresh")))
    return content(tmp_path / "fresh")


def test_a_changed_image_replaces_its_row(job, images, tmp_path):
    before = content(job.table)
    write_image(images / "train/dark/dark003.png", seed=77)
    report = extract(job)
    assert (report.counts["written"], report.counts["replaced"]) == (1, 1)
    after = content(job.table)
    assert after.num_rows == before.num_rows == 88
    assert after.equals(fresh(job, tmp_path))
    different = pc.not_equal(before["sha256"], after["sha256"])
    assert after.filter(different)["image_id"].to_pylist() == ["train/dark/dark003.png"]
    # An older version still is what it was.
    old = FeatureTable.open(job.table, version=1).dataset().to_table(columns=PLACE)
    assert old.sort_by("image_id").equals(before)


def test_a_changed_image_with_the_old_size_and_time_is_noticed(job, images, tmp_path):
    path = images / "train/dark/dark003.png"
    was = path.stat()
    data = bytearray((images / "train/dark/dark004.png").read_bytes())
    data = data[: was.st_size].ljust(was.st_size, b"\0")
    path.write_bytes(data)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (was.st_size, was.st_mtime_ns)
    assert extract(job).counts["replaced"] == 1
    assert content(job.table).equals(fresh(job, tmp_path))


def test_an_image_that_was_only_touched_is_hashed_and_left(job, images):
    (images / "train/dark/dark003.png").touch()
    report = extract(job)
    assert (report.version, report.counts["written"], report.counts["replaced"]) == (1, 0, 0)
    assert report.counts["hashed"] >= 1


def test_stat_data_that_leave_no_doubt_spare_the_reading(job, images):
    old = 1_500_000_000
    for path in images.rglob("*.png"):
        os.utime(path, (old, old))
    second = replace(job, table=job.table + "-2")
    time_passes()
    extract(second)
    assert extract(second).counts["hashed"] == 0


def time_passes() -> None:
    """Run names tell time by the second; stat data younger than that leave doubt."""
    import time

    time.sleep(1.1)


def test_a_changed_label_or_split_is_rewritten_without_the_base(job, images, tmp_path, monkeypatch):
    manifest = images / "all.csv"
    rows = [
        (p.relative_to(images), *p.relative_to(images).parts[:2]) for p in images.rglob("*.png")
    ]
    lines = [f"{path},{label},{split}" for path, split, label in rows]
    manifest.write_text("\n".join(["path,label,split", *lines]))
    by_manifest = replace(job, input=str(manifest))
    assert extract(by_manifest).version == 1
    lines = [
        line.replace(",dark,", ",gloomy,").replace(
            "light001.png,light,test", "light001.png,light,train"
        )
        for line in lines
    ]
    manifest.write_text("\n".join(["path,label,split", *lines]))

    with base_forbidden(monkeypatch):
        report = extract(by_manifest)
    assert (report.counts["relabelled"], report.counts["written"], report.version) == (45, 0, 2)
    assert content(job.table).equals(fresh(by_manifest, tmp_path))
    files = pa.table(FeatureTable.open(job.table).delta.get_add_actions(flatten=True))
    assert files["min.split"].to_pylist() == files["max.split"].to_pylist()
    assert extract(by_manifest).version == 2


def test_rewriting_a_file_does_not_make_its_other_rows_look_checked(job, images, make_job):
    path = images / "train/dark/dark003.png"
    was = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    others = [p for p in sorted(images.glob("train/dark/*.png")) if p != path]
    manifest = images / "some.csv"
    lines = [f"{p.relative_to(images)},gloomy,train" for p in others]
    manifest.write_text("\n".join(["path,label,split", *lines]))
    time_passes()
    assert extract(replace(job, input=str(manifest))).counts["relabelled"] == 23
    # Seen again at last, the changed image is not taken for the one that was stored.
    report = extract(job)
    assert report.counts["present"] == 87
    assert report.counts["new_failures"] == 1


def test_an_image_that_moved_is_not_its_own_leak(job, images):
    shutil.move(images / "test/dark/dark002.png", images / "train/dark/moved.png")
    report = extract(job)
    assert (report.counts["vanished"], report.counts["written"]) == (1, 1)
    assert report.leakage.across_splits == ()


def test_vanished_images_are_reported_and_removed_on_request(job, images, tmp_path):
    for name in ("train/dark/dark003.png", "test/light/light001.png"):
        (images / name).unlink()
    report = extract(job)
    assert (report.version, report.counts["vanished"], report.counts["pruned"]) == (1, 2, 0)
    assert content(job.table).num_rows == 88
    with pytest.raises(CommitRefusedError, match="would remove 2 of 88 images, more than the 1"):
        extract(replace(job, prune=True, max_pruned=1))
    report = extract(replace(job, prune=True))
    assert (report.version, report.counts["pruned"]) == (2, 2)
    assert content(job.table).equals(fresh(job, tmp_path))
    assert extract(job).counts["vanished"] == 0


def test_an_image_that_broke_leaves_the_table(job, images):
    (images / "train/dark/dark003.png").write_bytes(b"no image any more")
    report = extract(job)
    assert (report.counts["new_failures"], report.version) == (1, 2)
    assert "train/dark/dark003.png" not in content(job.table)["image_id"].to_pylist()
    assert extract(job).counts["known_failures"] == 1


def test_an_image_that_cannot_be_read_just_now_keeps_its_row(job, images, monkeypatch):
    path = images / "train/dark/dark003.png"
    path.write_bytes(path.read_bytes() + b"more")

    def fail(uri, _most):
        if uri == str(path):
            raise OSError(5, "Input/output error")
        return Path(uri).read_bytes()

    monkeypatch.setattr("pipelines.images.loading.read_bytes", fail)
    report = extract(job)
    assert (report.counts["new_failures"], report.version) == (1, 1)
    assert "train/dark/dark003.png" in content(job.table)["image_id"].to_pylist()
    monkeypatch.undo()
    assert extract(job).counts["replaced"] == 1


def test_the_same_bytes_in_two_places(images, make_job, tmp_path, capsys):
    shutil.copy(images / "train/dark/dark000.png", images / "test/dark/copy.png")
    shutil.copy(images / "train/dark/dark001.png", images / "train/light/copy.png")
    (images / "train/dark/broken.png").write_bytes(b"no image")
    job = make_job(images, tmp_path / "features")
    with pytest.raises(CommitRefusedError, match=r"same image in different splits: test/dark/copy"):
        extract(replace(job, refuse_leakage=True))
    assert FeatureTable.open_if_exists(job.table) is None
    report = extract(job)
    # A refused run's failure is told, and stays new.
    assert (report.counts["new_failures"], report.counts["known_failures"]) == (1, 0)
    assert report.leakage.across_splits == (("test/dark/copy.png", "train/dark/dark000.png"),)
    assert report.leakage.under_labels == (("train/dark/dark001.png", "train/light/copy.png"),)
    assert main(["--input", str(images), "--table", job.table, *CHEAP, "--leakage", "error"]) == 1


def test_a_rerun_with_nothing_to_do_looks_into_no_file(job, images, monkeypatch):
    write_image(images / "train/dark/dark000.png", seed=99)
    extract(job)  # the file with its old row stays for readers of the old version

    def inspect(storage, path):
        pytest.fail(f"{path} was looked into")

    monkeypatch.setattr("pipelines.planning.uncommitted.inspect_file", inspect)
    assert extract(job).counts["written"] == 0


def test_a_rerun_with_nothing_it_could_do_imports_neither_base_nor_beam(job, images):
    (images / "train/dark/dangling.jpg").symlink_to("nowhere.jpg")
    (images / "train/dark/folder.jpg").mkdir()
    code = (
        "import sys; from pipelines.extract import main\n"
        f"status = main(['--input', {str(images)!r}, '--table', {job.table!r}, *{CHEAP!r}])\n"
        "assert status == 0\n"
        "heavy = {'tensorflow', 'keras', 'apache_beam'} & {n.split('.')[0] for n in sys.modules}\n"
        "assert not heavy, heavy"
    )
    command = [sys.executable, "-c", code]
    # Random weights are fingerprinted once, then known.
    load_base(base_named("VGG16"), 32, TINY.weights)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "none of these can be used: the base was not loaded" in done.stdout


def test_two_images_that_change_places_in_a_manifest(images, make_job, tmp_path):
    """Same size, same times, nothing touched: only the place tells that it is another file."""
    one, other = images / "one.bmp", images / "other.bmp"
    for seed, path in enumerate((one, other)):
        write_image(path, seed=seed)
        os.utime(path, (1_500_000_000, 1_500_000_000))
    assert one.stat().st_size == other.stat().st_size
    manifest = images / "m.csv"
    manifest.write_text("path,id,label\none.bmp,a,x\nother.bmp,b,y\n")
    job = make_job(manifest, tmp_path / "features")
    time_passes()
    extract(job)
    assert extract(job).counts["hashed"] == 0
    manifest.write_text("path,id,label\nother.bmp,a,x\none.bmp,b,y\n")
    assert extract(job).counts["replaced"] == 2
    assert content(job.table).equals(fresh(job, tmp_path))


def test_a_user_without_a_name_can_commit(images, make_job, tmp_path, monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("pipelines.commits.run_record.getpass.getuser", nobody)
    job = make_job(images, tmp_path / "features")
    assert extract(job).version == 1
    run = FeatureTable.open(job.table).history()[0]["run"]
    assert run["who"].split("@")[0] == str(os.getuid())


def test_another_folder_with_the_same_names_is_said_to_replace(make_job, tmp_path, capsys):
    table = tmp_path / "features"
    for day in (1, 2):
        for number in range(3):
            write_image(tmp_path / f"day{day}/cat/{number}.png", 10 * day + number)
    extract(make_job(tmp_path / "day1", table))
    assert "come from another place" not in capsys.readouterr().err
    extract(make_job(tmp_path / "day2", table))
    assert (
        f"3 of 3 images that replace others come from another place ({tmp_path}/day2/cat/0.png, "
        f"and before {tmp_path}/day1/cat/0.png)"
    ) in capsys.readouterr().err
    write_image(tmp_path / "day2/cat/0.png", 99)
    extract(make_job(tmp_path / "day2", table))
    assert "come from another place" not in capsys.readouterr().err
