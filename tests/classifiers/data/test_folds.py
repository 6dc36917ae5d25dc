"""Folds are alike in classes, and part nothing that belongs together."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from classifiers.data.folds import check_classes, cut, require_whole, together
from pipelines.errors import UsageError


def rows_of(ids, hashes, groups=None):
    """Rows as a table has them, in another order than the split's."""
    columns = {"image_id": ids, "sha256": hashes} | ({"group": groups} if groups else {})
    held = pa.table({name: values[::-1] for name, values in columns.items()})

    class Table:
        optional = frozenset({"group"} if groups else ())

        def reading(self):
            return pytest.MonkeyPatch.context()

        def dataset(self):
            return ds.dataset(held)

    keys = pa.table({"image_id": ids, "copy": [0] * len(ids)})
    return SimpleNamespace(table=Table(), keys=keys)


def parts(units):
    return {tuple(np.flatnonzero(units == unit)) for unit in np.unique(units)}


def test_what_is_linked_by_id_bytes_or_group_is_one():
    ids = ["a", "a", "b", "c", "d", "e", "f"]
    hashes = ["1", "1", "2", "2", "3", "4", "5"]
    assert parts(together(rows_of(ids, hashes))) == {(0, 1), (2, 3), (4,), (5,), (6,)}
    groups = [None, None, None, "g", "g", None, "h"]
    # b has the bytes of c, which is of d's group
    assert parts(together(rows_of(ids, hashes, groups))) == {(0, 1), (2, 3, 4), (5,), (6,)}


def test_an_id_that_looks_like_a_hash_links_nothing():
    assert len(parts(together(rows_of(["1", "2"], ["2", "1"], ["1", "2"])))) == 2


@pytest.mark.parametrize("largest", [1, 4])
def test_folds_are_stratified_and_part_no_unit(largest):
    random = np.random.default_rng(3)
    units = np.repeat(np.arange(60), random.integers(1, largest + 1, 60))
    targets = (units % 3 == 0).astype(np.int64)
    scored = np.ones(len(units), bool)
    scored[1::7] = False
    folds = cut(targets, units, scored, 5, seed=1)
    require_whole(folds, targets, "ab")
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == list(np.flatnonzero(scored))
    for fold in folds:
        assert not set(units[fold.train]) & set(units[fold.test])
        assert targets[fold.test].mean() == pytest.approx(targets[scored].mean(), abs=0.12)
    again = cut(targets, units, scored, 5, seed=1)
    assert all((a.test == b.test).all() for a, b in zip(folds, again, strict=True))
    other = cut(targets, units, scored, 5, seed=2)
    assert any(set(a.test) != set(b.test) for a, b in zip(folds, other, strict=True))


def test_a_class_with_fewer_images_than_folds_is_named():
    targets = np.array([0, 0, 0, 0, 1, 1, 1])
    units = np.array([0, 1, 2, 3, 4, 5, 5])
    with pytest.raises(UsageError, match=r"class 'b' has 2 images .* ask for 2 at most"):
        check_classes(targets, units, "ab", 3)
    check_classes(targets, units, "ab", 2)
    with pytest.raises(UsageError, match=r"class 'b' has one image, .*--validation"):
        check_classes(targets, np.array([0, 1, 2, 3, 5, 5, 5]), "ab", 2)
