from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.errors import CommitRefusedError, TableError
from pipelines.records import Failure, FeatureBlock, ImageRef, SourceImage
from pipelines.table import files
from pipelines.table.files import FeatureFileWriter
from pipelines.table.inspection import inspect_file
from pipelines.table.receipts import Receipt, read_receipt, receipt_to_json
from pipelines.table.schema import FEATURE_SCHEMA, RECEIPT_KEY
from pipelines.table.storage import open_storage
from tests.pipelines.test_contract import CONTRACT

SHAPE = (2, 1, 3)


def block(start: int, rows: int, split: str = "train") -> FeatureBlock:
    sources = [
        SourceImage(
            ImageRef(
                f"{i:04d}.jpg", f"/images/{i}.jpg", "cat", split, 10 + i, 1_700_000_000_000_000, 0
            ),
            f"hash{i}",
            10 + i,
            640,
            480,
        )
        for i in range(start, start + rows)
    ]
    features = np.arange(start * 6, (start + rows) * 6, dtype=np.float32).reshape(rows, 6) / 7
    return FeatureBlock(sources, features)


def receipt(rows: int, **changes) -> Receipt:
    values = {
        "run": "r1",
        "shard": "000000",
        "split": "train",
        "rows": rows,
        "contract": CONTRACT.canonical_json(),
        "feature_shape": SHAPE,
        "engine": "keras",
        "digest": "",
        "failures": (),
    }
    return Receipt(**(values | changes))


@pytest.fixture
def storage(tmp_path):
    return open_storage(str(tmp_path / "table"))


def write(storage, path, blocks, last: Receipt, contract=CONTRACT):
    with FeatureFileWriter(storage, path, contract) as writer:
        for each in blocks:
            writer.write(each)
        return writer.close(last)


def forge(path, last: Receipt):
    """The file's rows under a receipt that was not written with them."""
    rows = pq.read_table(path).replace_schema_metadata({RECEIPT_KEY: receipt_to_json(last)})
    pq.write_table(rows, path)


def test_what_is_written_is_read(storage, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROW_GROUP_BYTES", 100)
    write(storage, "data/a.parquet", [block(0, 3), block(3, 4), block(7, 2)], receipt(9))
    table = pq.read_table(tmp_path / "table/data/a.parquet")
    assert table.schema.equals(FEATURE_SCHEMA)
    assert table.column("image_id").to_pylist() == [f"{i:04d}.jpg" for i in range(9)]
    features = np.array(table.column("features").to_pylist(), np.float32)
    np.testing.assert_array_equal(features, np.arange(54, dtype=np.float32).reshape(9, 6) / 7)
    row = table.slice(4, 1).to_pylist()[0]
    assert (row["copy"], row["label"], row["split"], row["sha256"]) == (0, "cat", "train", "hash4")
    assert (row["bytes"], row["width"], row["height"], row["uri"]) == (
        14,
        640,
        480,
        "/images/4.jpg",
    )
    assert row["modified"].timestamp() == 1_700_000_000
    groups = pq.read_metadata(tmp_path / "table/data/a.parquet")
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [7, 2]


def test_precision_rounds_what_is_written(storage, tmp_path):
    contract = replace(CONTRACT, precision="bfloat16")
    write(storage, "data/a.parquet", [block(0, 2)], receipt(2), contract)
    values = pq.read_table(tmp_path / "table/data/a.parquet").column("features").to_pylist()
    bits = np.array(values, np.float32).view(np.uint32)
    assert not (bits & 0xFFFF).any()


def test_the_receipt_comes_back(storage):
    ref = ImageRef("bad.jpg", "/bad.jpg", None, "train", 3, 4, 5)
    failure = Failure(ref, "ff", "decode", "OSError", "cut short", lasting=True)
    written = receipt(2, failures=(failure,))
    write(storage, "data/a.parquet", [block(0, 2)], written)
    found = read_receipt(storage, "data/a.parquet")
    assert replace(found, digest="") == written
    assert len(found.digest) == 64


def test_an_abandoned_writer_leaves_nothing(storage, tmp_path):
    with (
        pytest.raises(RuntimeError, match="base"),
        FeatureFileWriter(storage, "data/a.parquet", CONTRACT) as writer,
    ):
        writer.write(block(0, 3))
        raise RuntimeError("the base failed")
    del writer
    assert list((tmp_path / "table/data").iterdir()) == []


def test_an_error_of_the_writing_thread_is_raised(storage, monkeypatch):
    monkeypatch.setattr(files, "ROW_GROUP_BYTES", 1)
    monkeypatch.setattr(files, "feature_rows", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with (
        pytest.raises(OSError, match="full"),
        FeatureFileWriter(storage, "data/a.parquet", CONTRACT) as writer,
    ):
        writer.write(block(0, 1))
        writer.write(block(1, 1))


def test_inspection_gives_size_statistics_and_keys(storage, tmp_path):
    write(storage, "data/a.parquet", [block(5, 3)], receipt(3))
    found = inspect_file(storage, "data/a.parquet")
    assert found.size == (tmp_path / "table/data/a.parquet").stat().st_size
    assert found.statistics == {
        "numRecords": 3,
        "minValues": {"image_id": "0005.jpg", "label": "cat", "split": "train"},
        "maxValues": {"image_id": "0007.jpg", "label": "cat", "split": "train"},
        "nullCount": {"image_id": 0, "label": 0, "split": 0},
    }
    assert found.keys.column("modified").to_pylist() == [1_700_000_000_000_000] * 3


@pytest.mark.parametrize(
    ("blocks", "last", "message"),
    [
        ([block(0, 2)], receipt(3), "holds 2 rows, its receipt says 3"),
        ([block(0, 2)], receipt(2, feature_shape=(2, 2, 3)), "another length"),
        ([block(0, 2), block(2, 1, "test")], receipt(3), "rows of other splits"),
    ],
)
def test_a_file_that_contradicts_its_receipt_is_refused(storage, tmp_path, blocks, last, message):
    write(storage, "data/a.parquet", blocks, last)
    forge(tmp_path / "table/data/a.parquet", last)
    with pytest.raises((CommitRefusedError, TableError), match=message):
        inspect_file(storage, "data/a.parquet")


def test_files_of_others_and_torn_files_are_refused(storage, tmp_path):
    write(storage, "data/a.parquet", [block(0, 2)], receipt(2))
    path = tmp_path / "table/data/a.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path.with_name("b.parquet"))
    with pytest.raises(CommitRefusedError, match="no receipt"):
        inspect_file(storage, "data/b.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TableError, match="not a finished Parquet file"):
        inspect_file(storage, "data/a.parquet")
