import numpy as np
import pyarrow as pa
import pytest

import classifiers
from classifiers.data.dataset import stream_split
from pipelines.errors import TableError, UsageError
from pipelines.table.feature_table import FeatureTable


def test_a_split_comes_back_whole_and_in_order(table):
    features, labels, ids = classifiers.load(str(table), split="train")
    rows = FeatureTable.open(str(table)).dataset().to_table()
    rows = rows.filter(pa.compute.equal(rows["split"], "train")).sort_by("image_id").to_pylist()
    assert list(ids) == [row["image_id"] for row in rows]
    assert list(labels) == [row["label"] for row in rows]
    np.testing.assert_array_equal(features, np.float32([row["features"] for row in rows]))
    assert features.dtype == np.float32
    assert features.flags.c_contiguous


def test_all_splits(table):
    assert len(classifiers.load(str(table)).ids) == 88


def test_a_split_that_is_not_there(table):
    with pytest.raises(TableError, match=r"no rows of split 'dev' .* has test, train, validation"):
        classifiers.load(str(table), split="dev")
    with pytest.raises(TableError, match="no rows of split 'dev'"):
        list(stream_split(FeatureTable.open(str(table)), "dev"))


def test_streaming_gives_the_same_rows(table):
    whole = classifiers.load(str(table), split="train")
    by_id = dict(zip(whole.ids, whole.features, strict=True))
    seen = []
    for keys, features in stream_split(FeatureTable.open(str(table)), "train"):
        for row, values in zip(keys.to_pylist(), features, strict=True):
            seen.append(row["image_id"])
            assert (row["split"], row["copy"]) == ("train", 0)
            np.testing.assert_array_equal(values, by_id[row["image_id"]])
    assert sorted(seen) == list(whole.ids)


def test_several_splits_at_once_are_refused(table):
    with pytest.raises(UsageError, match="load one split after the other"):
        classifiers.load(str(table), split=["train", "test"])
