"""Other tools read the table through its log, without this project."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.fs as pafs
import pytest
from deltalake import DeltaTable

import classifiers


@pytest.fixture(scope="module")
def expected(table):
    samples = classifiers.load(str(table))
    return samples, {name: samples.features[i] for i, name in enumerate(samples.ids)}


def native(table):
    """Arrow's own reader of local files, as docs/table.md advises (docs/decisions/0008)."""
    return pafs.SubTreeFileSystem(str(table), pafs.LocalFileSystem())


def check(expected, ids, labels, features):
    samples, by_id = expected
    assert sorted(ids) == list(samples.ids)
    known = dict(zip(samples.ids, samples.labels, strict=True))
    assert [known[name] for name in ids] == list(labels)
    np.testing.assert_array_equal(np.stack(features), np.stack([by_id[name] for name in ids]))


def test_pandas(table, expected):
    frame = DeltaTable(str(table)).to_pandas(filesystem=native(table))
    assert isinstance(frame, pd.DataFrame)
    check(expected, list(frame.image_id), frame.label, list(frame.features))


def test_polars(table, expected):
    frame = pl.read_delta(str(table))
    features = [np.array(row, np.float32) for row in frame["features"].to_list()]
    check(expected, frame["image_id"].to_list(), frame["label"], features)


def test_duckdb_through_arrow(table, expected):
    import duckdb

    features_table = DeltaTable(str(table)).to_pyarrow_dataset(filesystem=native(table))  # noqa: F841 - DuckDB finds it
    rows = duckdb.sql("select image_id, label, features from features_table").fetchall()
    features = [np.array(row[2], np.float32) for row in rows]
    check(expected, [row[0] for row in rows], [row[1] for row in rows], features)
    in_train = duckdb.sql("select count(*) from features_table where split = 'train'").fetchall()
    assert in_train == [(48,)]
