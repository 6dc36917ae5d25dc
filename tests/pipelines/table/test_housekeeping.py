"""tidy and forget: fewer files, nothing outlived, nothing lost that is still needed."""

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyarrow import parquet

import classifiers
from classifiers import train
from pipelines import describe, forget, tidy, verify
from pipelines.driver import extract
from pipelines.errors import TableError
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from tests.conftest import write_image
from tests.pipelines.test_increments import content


@pytest.fixture
def nights(five_nights, tmp_path):
    """A table after five nightly runs of an image or two each."""
    shutil.copytree(five_nights, tmp_path, dirs_exist_ok=True)
    return tmp_path / "features"


@pytest.fixture
def images(nights):
    return nights.parent / "images"


def run(command, table: Path, *more: str) -> dict:
    result = table.parent / "result.json"
    assert command.main(["--table", str(table), "--json", str(result), *more]) == 0
    return json.loads(result.read_text())


def files_on_disk(table: Path) -> set[str]:
    return {f"data/{path.name}" for path in (table / "data").iterdir()}


@pytest.mark.acceptance
def test_tidy_merges_files_and_changes_no_row(nights, images, capsys):
    before, version = content(nights), FeatureTable.open(str(nights)).version
    many = FeatureTable.open(str(nights)).paths
    done = run(tidy, nights)
    table = FeatureTable.open(str(nights))
    assert content(nights).equals(before)
    assert (done["merged"], done["into"], table.version) == (len(many), 3, version + 1)
    assert len(table.paths) == 3
    actions = pa.table(table.delta.get_add_actions(flatten=True))
    assert actions["min.split"].to_pylist() == actions["max.split"].to_pylist()
    # Within the retention every version is still there.
    assert set(done["kept_versions"]) == set(range(version + 2))
    assert classifiers.load(str(nights), version=1).features.shape == (88, 512)
    assert run(tidy, nights)["merged"] == 0
    options = ["--input", str(images), "--sample", "all", "--weights", "random:1"]
    assert verify.main(["--table", str(nights), *options]) == 0


@pytest.mark.acceptance
def test_tidy_does_not_make_old_rows_look_freshly_checked(nights, images, make_job):
    run(tidy, nights)
    path = images / "train/light/light005.png"
    was = path.stat()
    path.write_bytes(bytes(reversed(path.read_bytes())))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert extract(make_job(images, nights)).counts["new_failures"] == 1


def test_tidy_removes_old_versions_and_orphans_past_the_retention(nights):
    torn = "data/20261121T000000000-aaaaaaaa-000000-bbbbbbbb.parquet"
    (nights / torn).write_bytes(b"PAR1 torn")
    done = run(tidy, nights, "--retention_days", "0")
    table = FeatureTable.open(str(nights))
    assert done["kept_versions"] == [table.version]
    assert files_on_disk(nights) == set(table.paths)
    assert done["freed"] > 0
    with pytest.raises(TableError, match=r"version 1 of .* which is gone: tidied away"):
        classifiers.load(str(nights), version=1)
    assert classifiers.load(str(nights)).features.shape == (92, 512)


def test_tidy_keeps_orphans_that_a_run_may_still_take_over(nights):
    orphan = nights / "data/20261121T000000000-aaaaaaaa-000000-bbbbbbbb.parquet"
    orphan.write_bytes(b"unfinished")
    run(tidy, nights, "--retention_days", "1")
    assert orphan.exists()
    long_ago = time.time() - 3 * 86_400
    os.utime(orphan, (long_ago, long_ago))
    run(tidy, nights, "--retention_days", "1")
    assert not orphan.exists()


def test_tidy_keeps_a_version_that_a_model_names(nights, tmp_path, capsys):
    options = ["--head", "logistic", "--model", str(tmp_path / "model"), "--table_version", "2"]
    assert train.main(["--table", str(nights), *options]) == 0
    done = run(tidy, nights, "--retention_days", "0")
    assert done["kept_versions"] == [2, FeatureTable.open(str(nights)).version]
    assert classifiers.load(str(nights), version=2).features.shape == (89, 512)
    done = run(tidy, nights, "--retention_days", "0", "--release_models")
    assert done["kept_versions"] == [FeatureTable.open(str(nights)).version]
    with pytest.raises(TableError, match="which is gone"):
        classifiers.load(str(nights), version=2)
    capsys.readouterr()
    assert describe.main(["--table", str(nights), "--table_version", "2"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "needs a data file, which is gone: tidied away" in said.err


def test_forget_deletes_an_image_from_every_file(nights, images, make_job, capsys):
    gone = ["train/dark/new0.png", "test/light/light003.png"]
    (images / "train/dark/it's broken.png").write_bytes(b"no")
    extract(make_job(images, nights))
    before = content(nights)
    failing = "train/dark/it's broken.png"
    done = run(forget, nights, "--image_id", *gone, failing, "nobody.png")
    assert "2 of 4 ids were not in the table" in capsys.readouterr().err
    assert done["images"] == 2
    kept = [name not in gone for name in before["image_id"].to_pylist()]
    assert content(nights).equals(before.filter(pa.array(kept)))
    assert read_failures(str(nights)).num_rows == 0
    for path in [*(nights / "data").iterdir(), *(nights / "_failures").rglob("*.parquet")]:
        data = path.read_bytes()
        ids = parquet.read_table(path)["image_id"].to_pylist()
        assert not set(ids) & {*gone, failing}, path
        assert b"it's broken" not in data
    with pytest.raises(TableError, match="which is gone"):
        classifiers.load(str(nights), version=2)


def test_forget_by_a_list(nights, tmp_path, capsys):
    (tmp_path / "ids.txt").write_text("train/dark/new0.png\ntrain/dark/new1.png\n")
    assert run(forget, nights, "--ids", str(tmp_path / "ids.txt"))["images"] == 2
    (tmp_path / "ids.txt").write_text("")
    assert forget.main(["--table", str(nights), "--ids", str(tmp_path / "ids.txt")]) == 2
    assert forget.main(["--table", str(nights), "--ids", str(tmp_path / "none.txt")]) == 2
    assert forget.main(["--table", str(nights)]) == 2
    assert tidy.main(["--table", str(nights), "--retention_days", "-1"]) == 2
    assert tidy.main(["--table", str(tmp_path / "none")]) == 1


def test_forget_and_tidy_reach_files_of_delta_s_own_compaction(nights):
    DeltaTable(str(nights)).optimize.compact()
    ids = FeatureTable.open(str(nights)).keys()["image_id"].to_pylist()
    assert list(nights.glob("*.parquet"))
    run(forget, nights, "--image_id", ids[0])
    for path in nights.rglob("*.parquet"):
        if "_failures" not in path.parts:
            assert ids[0] not in parquet.read_table(path)["image_id"].to_pylist()
    DeltaTable(str(nights)).optimize.compact()
    run(tidy, nights, "--retention_days", "0")
    held = {str(path.relative_to(nights)) for path in nights.rglob("*.parquet")}
    held = {name for name in held if not name.startswith("_")}
    assert held == set(FeatureTable.open(str(nights)).paths)


def test_forget_leaves_no_address_and_no_hash(nights, images, make_job):
    secret = images / "train/dark/secret.png"
    secret.write_bytes(b"no image")
    write_image(images / "train/dark/another.png", seed=50)
    extract(make_job(images, nights))
    digests = [hashlib.sha256(secret.read_bytes()).hexdigest()]
    write_image(secret, seed=51)
    extract(make_job(images, nights))
    digests.append(hashlib.sha256(secret.read_bytes()).hexdigest())
    run(forget, nights, "--image_id", "train/dark/secret.png")
    for path in nights.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for trace in (str(secret), *digests):
                assert trace.encode() not in data, path


def test_forget_takes_lists_as_editors_write_them(nights, tmp_path):
    ids = tmp_path / "ids.txt"
    ids.write_bytes(b"\xef\xbb\xbftrain/dark/new0.png\r\ntrain/dark/new1.png\r\n")
    assert run(forget, nights, "--ids", str(ids))["images"] == 2
    ids.write_bytes(b"caf\xe9.png\n")
    assert forget.main(["--table", str(nights), "--ids", str(ids)]) == 2
