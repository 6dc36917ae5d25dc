"""Rows of unequal length whose total is right: no row is ever read into another's place."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import classifiers
from classifiers import train
from classifiers.data.dataset import stream_split
from pipelines import forget, tidy, verify
from pipelines.errors import CommitRefusedError, TableError
from pipelines.table.change import Change
from pipelines.table.feature_table import FeatureTable
from pipelines.table.gate import commit_change
from pipelines.table.inspection import inspect_file
from pipelines.table.receipts import read_receipt, receipt_to_json
from pipelines.table.rows import check_lengths, keeps_its_digest
from pipelines.table.schema import FEATURE_TYPE, RECEIPT_KEY
from pipelines.table.storage import open_storage
from tests.pipelines.table.trees import LENGTH, age, edit_log, rows, source, tree, write_file

UNEVEN = {
    "one short, one long": [1, 2 * LENGTH - 1],
    "one empty": [0, 2 * LENGTH],
    "one without": [None, 2 * LENGTH],
    "right total of a longer row": [LENGTH + 1, LENGTH - 1],
}


def spoil(path, lengths, receipt: str) -> None:
    """Give the rows of a file other numbers of features, and the footer the same receipt."""
    table = pq.read_table(path)
    values = [None if n is None else list(range(n)) for n in lengths]
    features = pa.array(values, FEATURE_TYPE)
    place = table.schema.get_field_index("features")
    field = table.schema.field(place).with_nullable(None in lengths)
    table = table.set_column(place, field, features)
    pq.write_table(table.replace_schema_metadata({RECEIPT_KEY: receipt}), path)


@pytest.fixture(params=UNEVEN.values(), ids=UNEVEN)
def uneven(small, request):
    """A table with a file of such rows in it, and the path of another that is not in it yet."""
    path = write_file(small, [source(small, f"train/{name}/x.jpg") for name in ("cat", "dog")])
    receipt = receipt_to_json(read_receipt(open_storage(str(small)), path))
    spoil(small / path, request.param, receipt)
    size = (small / path).stat().st_size

    bounds = {"split": "train"}
    stats = json.dumps({"numRecords": 2, "minValues": bounds, "maxValues": bounds})

    def named(line) -> None:
        if line.get("add"):
            line["add"].update(path=path, size=size, stats=stats)

    edit_log(small, 6, named)
    return small, path


def test_the_gate_refuses_them(uneven):
    table, path = uneven
    opened = FeatureTable.open(str(table), 5)
    state = opened.state(opened.names())
    before = tree(table)
    with pytest.raises(CommitRefusedError, match=r"another length than its receipt|other columns"):
        commit_change(state, Change([inspect_file(opened.storage, path)], [], {}))
    assert tree(table) == before


def test_a_finished_file_of_them_does_not_keep_its_digest(uneven):
    table, path = uneven
    storage = open_storage(str(table))
    assert not keeps_its_digest(storage, path, read_receipt(storage, path))


def test_load_refuses_them(uneven):
    table, _ = uneven
    with pytest.raises(TableError, match=f"a row does not hold {LENGTH} features"):
        classifiers.load(str(table))
    with pytest.raises(TableError, match=f"a row does not hold {LENGTH} features"):
        list(stream_split(FeatureTable.open(str(table)), "train"))


def test_train_refuses_them(uneven, tmp_path, capsys):
    table, _ = uneven
    options = ["--head", "logistic", "--model", str(tmp_path / "model")]
    assert train.main(["--table", str(table), *options]) == 1
    assert f"a row does not hold {LENGTH} features" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_verify_finds_them_and_tidy_and_forget_lose_none(uneven, capsys):
    table, path = uneven
    options = verify.make_parser().parse_args(["--table", str(table), "--sample", "0"])
    found = {finding.where: finding.what for finding in verify.work(options).findings}
    assert f"a row does not hold {LENGTH} features" in found[path]
    age(table)
    before = tree(table)
    assert tidy.main(["--table", str(table), "--retention_days", "0"]) == 1
    assert forget.main(["--table", str(table), "--image_id", "train/dog/x.jpg"]) == 1
    after = tree(table)
    assert {name: after.get(name) for name in before} == before
    capsys.readouterr()


def test_lengths_of_rows_in_pieces_and_slices():
    rows = pa.array([[1.0, 2.0]] * 5, FEATURE_TYPE)
    check_lengths(pa.chunked_array([rows, rows[2:4], rows[:0]]), 2)
    check_lengths(pa.chunked_array([], FEATURE_TYPE), 2)
    with pytest.raises(TableError, match="does not hold 3 features"):
        check_lengths(pa.chunked_array([rows]), 3)
    nulls = pa.array([[1.0, None]], pa.list_(pa.float32()))
    with pytest.raises(TableError, match="without a value"):
        check_lengths(pa.chunked_array([nulls]), 2)


def test_even_rows_are_read_as_they_were(small):
    held = rows(small)
    loaded = classifiers.load(str(small))
    for image_id, features in zip(loaded.ids, loaded.features, strict=True):
        np.testing.assert_array_equal(features, np.array(held[image_id], np.float32))
