"""Manifests that would take all memory, or end the reader."""

import contextlib
import os
import time
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from pipelines.errors import InputError
from pipelines.images import manifest_files, manifest_parquet
from pipelines.images.column_sizes import column_sizes
from pipelines.images.listing import list_images
from tests.conftest import ROOT, write_image


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_manifest_of_forty_gigabytes_is_not_read(tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    path.touch()
    os.truncate(path, 40 << 30)
    started = time.process_time()
    with pytest.raises(InputError, match="42,949,672,960 bytes are more than"):
        list_images(str(path))
    assert time.process_time() - started < 1.0


def written(path: Path, table: pa.Table) -> str:
    parquet.write_table(table, path, compression="zstd")
    return str(path)


def test_a_small_parquet_manifest_that_unpacks_to_much(tmp_path, monkeypatch):
    """300,000 rows of the same megabyte: 300 GB in 100 KB or so."""
    monkeypatch.setattr(manifest_files, "MAX_BYTES", 100 << 20)
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 300_000, pa.int32()), ["x" * (1 << 20)])
    path = written(tmp_path / "m.parquet", pa.table({"path": long}))
    assert Path(path).stat().st_size < 200_000
    with pytest.raises(InputError, match="unpacked it takes more than the 104,857,600 bytes"):
        list_images(path)


def test_a_manifest_of_more_rows_than_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest_files, "MAX_BYTES", 1_000_000)
    nothing = pa.table({"path": pa.nulls(100_000, pa.string())})
    with pytest.raises(InputError, match="takes more than"):
        list_images(written(tmp_path / "m.parquet", nothing))
    (tmp_path / "m.csv").write_text("path\n" + "a\n" * 100_000)
    with pytest.raises(InputError, match="100,000 rows are more than the memory here can hold"):
        list_images(str(tmp_path / "m.csv"))


def test_columns_that_are_not_ours_are_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest_files, "MAX_BYTES", 1_000_000)
    write_image(tmp_path / "a.png", seed=1)
    table = pa.table({"path": ["a.png"], "label": ["cat"], "blob": ["x" * 2_000_000]})
    (ref,) = list_images(written(tmp_path / "m.parquet", table))
    assert (ref.label, ref.bytes > 0) == ("cat", True)


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"path": pa.array(["a.png", "b.png"]).dictionary_encode(), "id": [1, 2]}),
        pa.table({"path": pa.array(["a.png", "b.png"], pa.large_string()), "id": ["1", "2"]}),
        pa.table({"path": pa.array([b"a.png", b"b.png"], pa.binary()), "id": ["1", "2"]}),
    ],
)
def test_parquet_manifests_of_any_kind_of_string(tmp_path, table, monkeypatch):
    monkeypatch.setattr(manifest_parquet, "BATCH", 1)
    refs = list_images(written(tmp_path / "m.parquet", table))
    assert [(ref.image_id, ref.uri[-5:]) for ref in refs] == [("1", "a.png"), ("2", "b.png")]


def test_an_empty_parquet_manifest_has_no_images(tmp_path):
    with pytest.raises(InputError, match="no images"):
        list_images(written(tmp_path / "m.parquet", pa.table({"path": pa.array([], pa.string())})))


def test_json_that_is_nested_without_end(tmp_path):
    depth = 1_000_000
    (tmp_path / "m.jsonl").write_text('{"path": ' + "[" * depth + "]" * depth + "}")
    with pytest.raises(InputError, match="nested too deeply"):
        list_images(str(tmp_path / "m.jsonl"))


def test_a_footer_that_ends_the_process_that_asks_it():
    """A damaged one, found by random changes: Arrow cannot be asked for its columns."""
    file = ROOT / "tests/fixtures/aborting.parquet"
    with pytest.raises(ValueError, match="its footer is damaged"):
        column_sizes(file.read_bytes())
    with contextlib.suppress(InputError):
        list_images(str(file))


@pytest.mark.acceptance
def test_a_flipped_bit_of_a_footer_is_one_line(tmp_path):
    """Arrow itself ends the process at some of them, if it is asked for a column's size."""
    path = tmp_path / "m.parquet"
    whole = Path(written(path, pa.table({"path": ["a.png"], "id": [1], "x": [[1.5]]}))).read_bytes()
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for place in range(start, len(whole)):
        content = bytearray(whole)
        content[place] ^= 0x20
        path.write_bytes(content)
        with contextlib.suppress(InputError):
            assert len(list_images(str(path))) == 1
