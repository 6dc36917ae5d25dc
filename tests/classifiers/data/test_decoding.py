"""Rows found and decoded: whole, in order, a bounded number at a time, or not at all."""

import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from deltalake import DeltaTable

from classifiers.data import decoding
from classifiers.data.dataset import read_features
from classifiers.data.decoding import blocks_ahead, decode
from classifiers.data.row_groups import find_rows
from pipelines.errors import TableError
from pipelines.table.feature_table import FeatureTable
from tests.classifiers.tables import LENGTH, ROWS, write_table


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """24 files of train, 6 of test."""
    folder = tmp_path_factory.mktemp("many") / "features"
    return write_table(folder, {"train": 24, "test": 6}, ("cat", "dog"))


@pytest.fixture
def copied(many, tmp_path):
    shutil.copytree(many.uri, tmp_path / "copy")
    return FeatureTable.open(str(tmp_path / "copy"))


def plainly(table: FeatureTable, split: str) -> tuple[list[str], np.ndarray]:
    rows = table.dataset().to_table().to_pylist()
    rows = sorted((row for row in rows if row["split"] == split), key=lambda row: row["image_id"])
    return [row["image_id"] for row in rows], np.float32([row["features"] for row in rows])


def test_files_that_delta_compacted_give_the_same_rows(many, copied, monkeypatch):
    ids, features = plainly(many, "train")
    DeltaTable(copied.uri).optimize.compact()
    compacted = FeatureTable.open(copied.uri)
    assert len(compacted.paths) == 1  # of both splits, with one row group
    for at_once in (2**20, 5 * LENGTH * 4):  # all of it, and five rows, that split runs of a split
        monkeypatch.setattr(decoding, "ROW_GROUP_BYTES", at_once)
        rows = find_rows(compacted, "train")
        assert rows.keys.column("image_id").to_pylist() == ids
        np.testing.assert_array_equal(read_features(rows), features)
        sizes = list(decode(rows, lambda block: len(block.features)))
        assert max(sizes) == min(at_once // (4 * LENGTH), len(ids))


def test_a_choice_of_rows_keeps_their_order(many):
    ids, features = plainly(many, "train")
    chosen = np.random.default_rng(0).random(len(ids)) < 0.3
    rows = find_rows(many, "train").only(chosen)
    assert rows.keys.column("image_id").to_pylist() == list(np.array(ids)[chosen])
    np.testing.assert_array_equal(read_features(rows), features[chosen])
    one = find_rows(many, "train").only(np.arange(len(ids)) == 5)
    assert len(one.groups) == 1
    np.testing.assert_array_equal(read_features(one), features[5:6])


def test_blocks_come_in_the_order_asked_for(many):
    rows = find_rows(many, "train")
    order = np.random.default_rng(3).permutation(24).tolist()
    places = list(decode(rows, lambda block: block.places, order))
    expected = [rows.groups[number].places for number in order]
    np.testing.assert_array_equal(places, expected)


def test_no_more_is_decoded_than_was_promised(many, monkeypatch):
    monkeypatch.setattr(decoding, "usable_cores", lambda: 3)
    decoded = []
    for number, _ in enumerate(decode(find_rows(many, "train"), decoded.append), start=1):
        if number == 1:
            time.sleep(0.2)  # time enough to run further ahead, if anything did
        assert len(decoded) <= number + blocks_ahead()
    assert len(decoded) == 24
    assert all(block.features.shape == (ROWS, LENGTH) for block in decoded)


def test_a_consumer_that_stops_early_ends_the_threads(many):
    blocks = decode(find_rows(many, "train"), lambda block: block)
    next(blocks)
    blocks.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("decoder")]


def test_what_fails_in_a_thread_is_raised(many):
    def fail(_block):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(decode(find_rows(many, "train"), fail))


def test_files_that_changed_since_the_rows_were_found(copied):
    rows = find_rows(copied, "train")
    first, second, *others = rows.groups
    swapped = replace(rows, groups=(replace(first, keys=second.keys), second, *others))
    with pytest.raises(TableError, match="changed while they were read"):
        read_features(swapped)

    path = Path(copied.uri) / first.path
    whole = path.read_bytes()
    shutil.copy(Path(copied.uri) / second.path, path)
    with pytest.raises(TableError, match=r"changed while they were read|missing or damaged"):
        read_features(rows)
    path.write_bytes(whole[:1000])
    with pytest.raises(TableError, match="missing or damaged"):
        read_features(rows)
    path.unlink()
    with pytest.raises(TableError, match="needs a data file, which is gone"):
        read_features(rows)
