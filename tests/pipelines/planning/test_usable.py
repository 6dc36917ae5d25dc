"""What cannot be read is looked at before anything is opened that would have to run on it."""

import os
import shutil
import socket
from dataclasses import replace

import pytest
from obstore.store import MemoryStore

from pipelines import driver
from pipelines.bases import BASES
from pipelines.bases.fingerprints import remember_fingerprint
from pipelines.driver import extract
from pipelines.errors import CommitRefusedError, InputError
from pipelines.images import loading
from pipelines.images.decode import PixelSpec
from pipelines.planning import usable
from pipelines.planning.usable import failures_of_all
from pipelines.records import ImageRef
from pipelines.stores import door, objects
from pipelines.system.cores import usable_cores
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from tests.conftest import TINY, base_forbidden, copy_table, write_image
from tests.hostile import encoded, picture

PIXELS = PixelSpec(32, "bilinear", "ignored")
SAID = ("image_id", "stage", "error", "message", "lasting", "bytes", "sha256")


@pytest.fixture
def images(dataset, table, tmp_path):
    """The dataset, and a cache that knows the weights' fingerprint from the table's run."""
    weights = FeatureTable.open(str(table)).contract.weights
    remember_fingerprint(BASES["VGG16"], 32, TINY.weights, weights)
    shutil.copytree(dataset, tmp_path / "images")
    return tmp_path / "images"


@pytest.fixture
def job(images, table, make_job, tmp_path):
    """The dataset, whose table is complete."""
    copy_table(table, tmp_path / "features")
    return make_job(images, tmp_path / "features", shard_rows=16)


@pytest.fixture
def nothing_runs(monkeypatch):
    """No engine is opened, no base loaded, no shard handed to Beam."""
    monkeypatch.setattr(driver, "run_shards", lambda *_: pytest.fail("shards were handed to Beam"))
    with base_forbidden(monkeypatch):
        yield


def spoil(folder) -> list[str]:
    """One of each kind of name that leads to no readable image; the names, ascending."""
    (folder / "a folder.jpg").mkdir()
    (folder / "b dangling.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "c loop.jpg").symlink_to(folder / "c loop.jpg")
    os.mkfifo(folder / "d pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        # The address of a socket is short, and the folder's may not be.
        place = os.open(folder, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{place}/e socket.jpg")
        os.close(place)
    return sorted(path.name for path in folder.glob("? *.jpg"))


def failures_of(table: str, run: str) -> list[tuple[object, ...]]:
    rows = [row for row in read_failures(table).to_pylist() if row["run"] == run]
    return sorted(tuple(row[name] for name in SAID) for row in rows)


def test_nights_over_what_cannot_be_read(job, images, nothing_runs, capsys):
    names = spoil(images / "train/dark")
    for _ in range(2):
        report = extract(job)
        counts = report.counts
        assert (report.version, report.engine, report.attempted) == (1, None, 5)
        assert (counts["present"], counts["written"], counts["new_failures"]) == (88, 0, 5)
        assert [f.ref.image_id for f in report.failures] == [f"train/dark/{n}" for n in names]
        assert "93 images: 5 that cannot be used, 88 in the table" in capsys.readouterr().err
        assert [row[2] for row in failures_of(job.table, report.run)] == [
            "IsADirectoryError",
            "FileNotFoundError",
            "OSError",
            "OSError",
            "OSError",
        ]


def test_the_failures_are_those_that_extracting_records(job, images, monkeypatch):
    spoil(images / "train/dark")
    write_image(images / "train/dark/good.png", seed=1)
    among_good = extract(job)
    assert (among_good.counts["written"], among_good.counts["new_failures"]) == (1, 5)
    with base_forbidden(monkeypatch):
        alone = extract(job)
    assert alone.counts["new_failures"] == 5
    found = failures_of(job.table, alone.run)
    assert len(found) == 5
    assert found == failures_of(job.table, among_good.run)


def test_broken_images_need_no_base_either(job, images, nothing_runs):
    (images / "train/dark/new.png").write_bytes(b"no image")
    (images / "train/dark/dark003.png").write_bytes(b"no image any more")
    report = extract(job)
    assert (report.version, report.counts["new_failures"], report.counts["replaced"]) == (2, 2, 0)
    stored = FeatureTable.open(job.table).dataset().to_table(columns=["image_id"])
    assert stored.num_rows == 87
    assert "train/dark/dark003.png" not in stored["image_id"].to_pylist()
    assert extract(job).counts["known_failures"] == 2
    assert extract(replace(job, retry_failures=True)).counts["new_failures"] == 2


def test_a_changed_image_that_cannot_be_read_now_keeps_its_row(job, images, nothing_runs):
    (images / "train/dark/dark003.png").unlink()
    (images / "train/dark/dark003.png").symlink_to("nowhere.png")
    report = extract(job)
    assert (report.version, report.counts["new_failures"], report.counts["vanished"]) == (1, 1, 0)
    assert FeatureTable.open(job.table).dataset().count_rows() == 88


def test_too_many_are_refused_and_recorded(job, images, nothing_runs):
    spoil(images / "train/dark")
    for _ in range(2):
        with pytest.raises(CommitRefusedError, match="5 images failed, more than the 4 allowed"):
            extract(replace(job, max_failures=4))
    assert read_failures(job.table).num_rows == 10
    assert extract(replace(job, max_failures=5, commit_every=2)).counts["new_failures"] == 5


def test_a_manifest_of_missing_files_and_copies_of_one(images, make_job, tmp_path, nothing_runs):
    manifest = images / "all.csv"
    manifest.write_text("path,label,split\nnot there.png,x,train\nnor this.png,x,test\n")
    job = make_job(manifest, tmp_path / "features", copies=2)
    with pytest.raises(InputError, match=r"none of the 2 images .* is there"):
        extract(job)
    (images / "broken.png").write_bytes(b"no image")
    manifest.write_text(manifest.read_text() + "broken.png,x,train\n")
    with pytest.raises(CommitRefusedError, match="none of the 3 images attempted can be used"):
        extract(job)
    failures = {row["image_id"] for row in read_failures(job.table).to_pylist()}
    assert failures == {"nor this.png", "not there.png", "broken.png"}
    assert FeatureTable.open_if_exists(job.table) is None


def test_one_good_image_is_extracted_whatever_its_place(job, images):
    spoil(images / "train/dark")
    extract(job)
    write_image(images / "validation/light/zzz.png", seed=1)
    report = extract(job)
    assert (report.counts["written"], report.counts["new_failures"], report.version) == (1, 5, 2)


def ref(name: str, uri: str, size: int = 1) -> ImageRef:
    return ImageRef(name, uri, None, "train", size, 0, 0)


def test_of_many_images_the_first_that_is_not_doubtful_settles_it(tmp_path, monkeypatch):
    good = str(write_image(tmp_path / "good.png", seed=1))
    read: list[str] = []
    really = loading.read_bytes
    monkeypatch.setattr(
        loading, "read_bytes", lambda uri, most: read.append(uri) or really(uri, most)
    )
    missing = [ref(f"a{i:04d}", f"/nowhere/{i}", size=0) for i in range(2000)]
    fine = [ref(f"b{i:04d}", good) for i in range(2000)]
    assert failures_of_all([*missing, *fine], lambda r: not r.bytes, PIXELS) == ()
    assert set(read) == {good}
    assert len(read) <= 2 * usable_cores() + 1
    read.clear()
    failures = failures_of_all(missing, lambda r: not r.bytes, PIXELS)
    assert [failure.ref for failure in failures] == missing
    assert len(read) == 2000
    monkeypatch.setattr(usable, "MOST", 100)
    assert failures_of_all(missing, lambda r: not r.bytes, PIXELS) == ()
    assert len(read) == 2100


def test_objects_that_went_after_they_were_listed(monkeypatch):
    memory = MemoryStore()
    monkeypatch.setattr(objects, "open_bucket", lambda place: memory)
    monkeypatch.setattr(door, "open_at_the_door", lambda place: memory)
    gone = [ref(name, f"s3://bucket/{name}") for name in ("a.jpg", "b.jpg")]
    failures = failures_of_all(gone, lambda _: False, PIXELS)
    assert [(f.ref, f.stage, f.error, f.lasting) for f in failures] == [
        (each, "read", "FileNotFoundError", False) for each in gone
    ]
    memory.put("b.jpg", encoded(picture(), "PNG"))
    assert failures_of_all(gone, lambda _: False, PIXELS) == ()
