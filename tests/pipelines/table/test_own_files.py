"""tidy and forget delete the table's own files, and nothing that merely lies in its folder."""

import json
import posixpath
import shutil
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from pipelines import forget, tidy
from pipelines.errors import TableError
from pipelines.planning.uncommitted import find_uncommitted
from pipelines.records import Failure
from pipelines.table import erasure, failure_files
from pipelines.table.commit_log import _paths_in_checkpoint
from pipelines.table.deletion import delete_inside
from pipelines.table.failures import failures_uri, read_failures, record_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.table.names import data_file_name, is_own_name, new_run_id
from pipelines.table.own_files import own_files
from pipelines.table.storage import open_folder
from tests.pipelines.table.trees import (
    IMAGES,
    age,
    contract,
    copy,
    respell,
    rows,
    source,
    tree,
    write_file,
)

OURS = "20200101T000000000-aaaaaaaa-000000-bbbbbbbb.parquet"

NOW = ["--retention_days", "0"]


def tidied(table) -> None:
    assert tidy.main(["--table", str(table), *NOW]) == 0


def forgotten(table, *ids: str) -> None:
    assert forget.main(["--table", str(table), "--image_id", *(ids or IMAGES[:1])]) == 0


@pytest.mark.parametrize("command", [tidied, forgotten])
def test_what_links_lead_to_stays(small, command):
    elsewhere = small.parent / "elsewhere"
    (elsewhere / "data").mkdir(parents=True)
    for name in ("export.parquet", OURS, f"data/{OURS}"):
        (elsewhere / name).write_bytes(b"mine")
    (small / "archive").symlink_to(elsewhere)
    (small / "self").symlink_to(small)
    (small / "up").symlink_to(small.parent)
    (small / "data" / OURS).symlink_to(elsewhere / OURS)
    (small / "data" / "archive").symlink_to(elsewhere)
    age(small.parent)
    before, held = tree(elsewhere), rows(small)
    command(small)
    assert tree(elsewhere) == before
    gone = set() if command is tidied else {IMAGES[0]}
    assert rows(small) == {name: row for name, row in held.items() if name not in gone}
    assert (small / "data" / OURS).is_symlink()


@pytest.mark.parametrize("command", [tidied, forgotten])
@pytest.mark.parametrize("where", ["inner", "data/inner", "archive/2020"])
def test_a_table_inside_the_table_stays_as_it_is(small, written, command, where):
    inner = copy(written / "table", small / where)
    age(small.parent)
    before = tree(inner)
    command(small)
    assert tree(inner) == before


def test_a_table_at_the_place_of_delta_s_files_keeps_those_of_the_same_names(small, written):
    # Delta's own files lie in the table's folder itself: a table one level down has the same.
    inner = copy(written / "table", small / "data2")
    live = FeatureTable.open(str(small)).paths
    (old,) = (path.name for path in small.glob("part-*.parquet") if path.name not in live)
    respell(small, lambda path: f"data2/{old}" if path == old else path)
    before = tree(inner)
    assert tidy.main(["--table", str(small), *NOW]) == 0
    assert tree(inner) == before


@pytest.mark.parametrize("command", [tidy, forget])
def test_nothing_is_deleted_where_the_folder_of_files_was_made_a_table(small, capsys, command):
    shutil.copytree(small / "_delta_log", small / "data" / "_delta_log")
    before = tree(small)
    options = NOW if command is tidy else ["--image_id", IMAGES[0]]
    assert command.main(["--table", str(small), *options]) == 1
    assert "data is a Delta table of its own" in capsys.readouterr().err
    assert tree(small) == before


@pytest.mark.parametrize("command", [tidied, forgotten])
def test_exports_and_notes_in_the_table_s_folder_stay(small, command):
    foreign = ["predictions.parquet", "data/export.parquet", "data/torn.parquet", "data/x/" + OURS]
    for name in [*foreign, "2020/part-00000-x.parquet", OURS, "_notes/a.parquet"]:
        (small / name).parent.mkdir(exist_ok=True)
        (small / name).write_bytes(b"mine")
    age(small)
    before = tree(small)
    command(small)
    after = tree(small)
    assert {name: what for name, what in after.items() if what == b"mine"} == {
        name: what for name, what in before.items() if what == b"mine"
    }


@pytest.mark.parametrize("command", [tidied, forgotten])
def test_a_log_that_names_what_is_no_data_file_has_none_of_it_deleted(small, command):
    names = ["_delta_log/00000000000000000000.json", "_pins/a.json", "_failures/x.parquet"]
    names += ["notes.txt", ".hidden/x.parquet", "_delta_log/00000000000000000001.parquet"]
    for name in names[1:]:
        (small / name).parent.mkdir(exist_ok=True)
        (small / name).write_bytes(b"mine")
    removals = [{"remove": {"path": name, "dataChange": True}} for name in names]
    log = small / "_delta_log/00000000000000000003.json"
    log.write_text("\n".join([log.read_text(), *map(json.dumps, removals)]))
    age(small)
    before, held = tree(small), rows(small)
    command(small)
    after = tree(small)
    assert {name: after.get(name) for name in names} == {name: before[name] for name in names}
    assert len(rows(small)) >= len(held) - 1


def test_tidy_deletes_all_that_is_its_own(small):
    (small / "data" / OURS).write_bytes(b"an orphan of ours")
    age(small)
    parts = {path.name for path in small.glob("*.parquet")}
    assert len(parts) == 2
    tidied(small)
    live = set(FeatureTable.open(str(small)).paths)
    assert {name for name in tree(small) if name.endswith(".parquet")} == live


def test_forget_deletes_every_own_file_that_holds_the_image(small):
    images = small.parent / "images"
    uncommitted = write_file(small, [source(images, IMAGES[0])])
    broken = Failure(source(images, IMAGES[0]).ref, None, "read", "OSError", "no", True)
    failing = write_file(small, [source(images, IMAGES[5])], failures=(broken,))
    other = write_file(small, [source(images, IMAGES[1])])
    (small / "data" / OURS).write_bytes(b"PAR1 torn")
    forgotten(small)
    for name in (uncommitted, failing, f"data/{OURS}"):
        assert not (small / name).exists()
    assert (small / other).exists()
    for path in small.rglob("*.parquet"):
        assert IMAGES[0] not in pq.read_table(path)["image_id"].to_pylist()


def test_forget_deletes_delta_s_old_files_when_the_log_tells_of_them_in_a_checkpoint_only(small):
    FeatureTable.open(str(small)).delta.create_checkpoint()
    for version in range(5):  # as a log is cleaned up
        (small / f"_delta_log/{version:020d}.json").unlink()
    forgotten(small)
    for path in small.rglob("*.parquet"):
        if "_delta_log" not in path.parts:
            assert IMAGES[0] not in pq.read_table(path)["image_id"].to_pylist()


@pytest.mark.parametrize(
    "path", [7, b"\xff", ["data/x.parquet"], {"path": "data/x.parquet"}, "%ff", None]
)
def test_a_checkpoint_of_another_writer_is_read_or_named(small, path, capsys):
    FeatureTable.open(str(small)).delta.create_checkpoint()
    (small / f"_delta_log/{0:020d}.json").unlink()
    actions = pa.table({"remove": [{"path": path}], "other": [1]})
    pq.write_table(actions, small / f"_delta_log/{2:020d}.checkpoint.foreign.parquet")
    status = forget.main(["--table", str(small), "--image_id", IMAGES[0]])
    (line, *more) = capsys.readouterr().err.splitlines()
    assert status == (0 if path is None or isinstance(path, str) else 1)
    assert not more
    assert not status or "checkpoint.foreign.parquet in the table's log cannot be read" in line


@pytest.mark.acceptance
def test_a_checkpoint_that_names_one_file_a_million_times_takes_no_memory(small):
    checkpoint = small / f"_delta_log/{2:020d}.checkpoint.foreign.parquet"
    kind = pa.struct([("path", pa.string())])
    part = pa.table({"remove": pa.array([{"path": "data/" + "x" * 200}] * 50_000, kind)})
    with pq.ParquetWriter(checkpoint, part.schema, compression="zstd") as writer:
        for _ in range(10):
            writer.write_table(part)
    before = pa.total_allocated_bytes()
    paths, most = set(), 0
    for path in _paths_in_checkpoint(open_folder(str(small)), f"_delta_log/{checkpoint.name}"):
        paths.add(path)
        most = max(most, pa.total_allocated_bytes() - before)
    assert len(paths) == 1
    assert most < 30 << 20


def test_a_folder_of_failures_that_becomes_a_link_is_not_followed(small, monkeypatch):
    other = copy(small, small.parent / "other")
    before = tree(other)
    failures = [Failure(source(small, IMAGES[0]).ref, None, "read", "E", "no", lasting=True)]
    record_failures(str(small), failures, "r")
    listed = failure_files._plain

    def swap(*given):
        found = listed(*given)
        (small / "_failures").rename(small.parent / "away")
        (small / "_failures").symlink_to(other)
        return found

    monkeypatch.setattr(failure_files, "_plain", swap)
    with pytest.raises(OSError, match=r"."):
        failure_files.delete_failures(str(small))
    assert tree(other) == before


@pytest.mark.parametrize("swapped", ["data", "."])
def test_a_folder_that_becomes_a_link_as_files_are_deleted_is_not_followed(small, swapped):
    table = FeatureTable.open(str(small))
    (path,) = [each for each in table.paths if each.startswith("data/")]
    other = copy(small, small.parent / "other")
    folder = small / swapped
    folder.rename(small.parent / "away")
    folder.symlink_to(other / swapped)
    with pytest.raises(OSError, match=r"."):
        delete_inside(table.uri, path)
    assert (other / path).is_file()
    folder.unlink()
    (small.parent / "away").rename(folder)
    delete_inside(table.uri, path)
    assert not (small / path).exists()


def test_a_file_that_there_is_no_memory_to_read_stays(small, monkeypatch, capsys):
    def read(*_):
        raise pa.ArrowMemoryError("malloc failed")

    kept = write_file(small, [source(small.parent / "images", IMAGES[1])])
    monkeypatch.setattr(erasure.pq, "ParquetFile", read)
    monkeypatch.setattr(erasure, "_commit_without", lambda table, *_: table.version)
    assert forget.main(["--table", str(small), "--image_id", IMAGES[0]]) == 1
    assert "there is not enough memory here: malloc failed" in capsys.readouterr().err
    assert (small / kept).exists()


def test_forget_leaves_alone_what_lies_in_the_folder_of_failures(small, tmp_path):
    ref = source(small.parent / "images", IMAGES[0]).ref
    failures = [Failure(ref, "secret" * 10, "decode", "ImageError", "no picture", True)]
    record_failures(str(small), failures, "r")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept.parquet").write_bytes(b"mine")
    folder = small / "_failures"
    (folder / "notes.txt").write_bytes(b"mine")
    (folder / "old").symlink_to(elsewhere)
    forgotten(small, IMAGES[0])
    assert read_failures(str(small)).num_rows == 0
    assert sorted(tree(folder)) == ["_delta_log", "notes.txt", "old"]
    assert tree(elsewhere) == {"kept.parquet": b"mine"}
    # Cut short after the log and before the files, forgetting goes on where it was.
    part = "part-00000-01234567-0123-0123-0123-0123456789ab-c000.snappy.parquet"
    (folder / part).write_bytes(b"")
    forgotten(small, IMAGES[1])
    assert sorted(tree(folder)) == ["_delta_log", "notes.txt", "old"]
    assert failures_uri(str(small)) == str(folder)


@pytest.mark.parametrize("name", ["data", "_delta_log", "_failures", "_pins"])
def test_a_folder_of_ours_that_is_a_link_out_of_the_table_is_refused(small, capsys, name):
    moved = small.parent / "moved"
    if (small / name).exists():
        shutil.move(small / name, moved)
    else:
        moved.mkdir()
    (small / name).symlink_to(moved)
    before = tree(small.parent)
    for command, options in ((tidy, NOW), (forget, ["--image_id", IMAGES[0]])):
        assert command.main(["--table", str(small), *options]) == 1
        assert f"{name} is a link that leads out of the table's folder" in capsys.readouterr().err
    assert tree(small.parent) == before


def test_a_finished_file_behind_a_link_is_nobody_s_work(small):
    path = write_file(small, [source(small.parent / "images", IMAGES[0])])
    outside = small.parent / "outside.parquet"
    (small / path).rename(outside)
    table = FeatureTable.open(str(small))
    before = {file.path for file in find_uncommitted(table.storage, table.paths, contract())}
    (small / "data" / OURS).symlink_to(outside)
    linked = {file.path for file in find_uncommitted(table.storage, table.paths, contract())}
    assert linked == before
    shutil.copy(outside, small / path)
    files = find_uncommitted(table.storage, table.paths, contract())
    assert {file.path for file in files} - before == {path}


def test_on_a_store_a_prefix_holds_more_than_the_table():
    store = pafs._MockFileSystem()
    names = [f"data/{OURS}", "part-0.parquet", "export.parquet", f"data/sub/{OURS}", OURS]
    names += ["inner/_delta_log/00000000000000000000.json", f"inner/data/{OURS}"]
    names += ["inner/part-0.parquet", "deep/inner/_delta_log/0.json", "deep/inner/a/part-1.parquet"]
    for name in names:
        store.create_dir(posixpath.dirname(name) or ".")
        store.open_output_stream(name).close()
    logged = frozenset({"part-0.parquet", "inner/part-0.parquet", "gone.parquet"})
    logged |= {f"inner/data/{OURS}", "deep/inner/a/part-1.parquet"}
    table = SimpleNamespace(uri="s3://bucket/table", storage=store)
    found = [info.path for info in own_files(table, logged)]
    assert found == [f"data/{OURS}", "part-0.parquet"]
    store.create_dir("data/_delta_log")
    with pytest.raises(TableError, match="data is a Delta table of its own"):
        own_files(table, logged)


def test_names_of_ours():
    assert is_own_name(data_file_name(new_run_id(), "000000"))
    assert is_own_name(data_file_name(new_run_id(), "1000000"))
    assert is_own_name(data_file_name("19700101T000000000-00000000", "edit"))
    for name in (OURS, f"data/sub/{OURS}", f"./data/{OURS}", "data/a.parquet", f"data/{OURS}.bak"):
        assert not is_own_name(name)
