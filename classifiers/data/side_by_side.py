"""Features of several tables side by side: of each image those of one base after another's."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from classifiers.data.columns import read_columns
from classifiers.data.dataset import read_features
from classifiers.data.label_sets import read_label_sets
from classifiers.data.row_groups import SplitRows, find_rows
from classifiers.data.training_set import HeldSet, StreamedSet
from pipelines.cli import log
from pipelines.errors import TableError
from pipelines.table.feature_table import FeatureTable

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Beside:
    """Tables whose features follow those of a first one.

    Attributes:
        tables: they, in order; none for the features of one table alone.
    """

    tables: tuple[FeatureTable, ...] = ()

    @property
    def length(self) -> int:
        """Features of an image that these tables add."""
        return sum(table.feature_length for table in self.tables)

    def bytes(self, rows: int) -> int:
        """Size of what they add to so many rows, as float32."""
        return rows * self.length * np.dtype(np.float32).itemsize

    @cached_property
    def _rows(self) -> tuple[SplitRows, ...]:
        return tuple(find_rows(table, None) for table in self.tables)

    def common(self, rows: SplitRows, split: str | None) -> SplitRows:
        """Those rows of the first table that all the others have too; others are told of.

        Args:
            rows: of the first table.
            split: what they are of, for messages; None for all splits.

        Raises:
            TableError: there are none, or an image has another split, label or content in another
                table.
        """
        for other in self._rows:
            rows = _common(rows, other, split)
        return rows

    def read(self, rows: SplitRows) -> Floats:
        """The features of rows that `common` gave, float32 (n, those of all tables)."""
        parts = [_same(other, rows) for other in self._rows]
        return np.concatenate([read_features(part) for part in (rows, *parts)], axis=1)

    def hold(self, samples: StreamedSet) -> HeldSet:
        """Read all features of rows that `common` gave into memory, in the order of the keys."""
        return HeldSet(self.read(samples.rows), samples.targets, None, samples.images)


ALONE = Beside()
"""No further tables."""


def _names(keys: pa.Table) -> pa.ChunkedArray:
    """Names of rows, which hold no NUL themselves."""
    return pc.binary_join_element_wise(keys["image_id"], keys["copy"].cast(pa.string()), "\0")


def _common(rows: SplitRows, other: SplitRows, split: str | None) -> SplitRows:
    first, second = rows.table.uri, other.table.uri
    place = pc.index_in(_names(rows.keys), value_set=_names(other.keys)).combine_chunks()
    there: Bools = place.is_valid().to_numpy(zero_copy_only=False)
    if not there.any():
        raise TableError(
            f"no image of {_of(split)}{first} is in {second}; extract the same images into both"
        )
    mine, theirs = rows.only(there), _only_at(other, place.drop_null().to_numpy())
    _require_agreement(mine, theirs)
    there_too = other.keys.num_rows
    if split is not None:
        there_too = int(pc.sum(pc.equal(other.keys["split"], split)).as_py() or 0)
    for uri, without, count in (
        (second, first, len(there) - int(there.sum())),
        (first, second, there_too - int(there.sum())),
    ):
        if count > 0:
            log(f"left out of {_of(split)}{without}: {count:,} rows that {uri} does not have")
    return mine


def _require_agreement(mine: SplitRows, theirs: SplitRows) -> None:
    """Refuse rows of the same images of which two tables say something else.

    A label that a table does not have is nothing that it says.
    """
    for what, one, other in (
        ("split", mine.keys["split"], theirs.keys["split"]),
        ("label", mine.keys["label"], theirs.keys["label"]),
    ):
        _refuse_others(mine, theirs, what, one.to_pylist(), other.to_pylist())
    sets = [
        [None if each is None else tuple(sorted(each)) for each in found.lists.to_pylist()]
        for found in map(read_label_sets, (mine, theirs))
    ]
    _refuse_others(mine, theirs, "labels", *sets)
    content = [read_columns(each, ["sha256"])["sha256"].to_pylist() for each in (mine, theirs)]
    _refuse_others(mine, theirs, "content", *content)
    copies = pc.max(mine.keys["copy"]).as_py()
    if copies and mine.table.augmentation != theirs.table.augmentation:
        raise TableError(
            f"the copies of images in {mine.table.uri} and {theirs.table.uri} were augmented in "
            "different ways, so that they are of other pixels; --copies 0 leaves them out"
        )


def _refuse_others(
    mine: SplitRows, theirs: SplitRows, what: str, one: Sequence[object], other: Sequence[object]
) -> None:
    differing = [
        place
        for place, (a, b) in enumerate(zip(one, other, strict=True))
        if a != b and b is not None
    ]
    if not differing:
        return
    place = differing[0]
    shown = "" if what == "content" else f" ({one[place]!r} and {other[place]!r})"
    raise TableError(
        f"{len(differing):,} images have another {what} in {theirs.table.uri} than in "
        f"{mine.table.uri}, {mine.keys['image_id'][place].as_py()!r} for one{shown}; extract the "
        "same images into both"
    )


def _same(other: SplitRows, rows: SplitRows) -> SplitRows:
    """The rows of another table that are of the same images and copies, in the same order."""
    place = pc.index_in(_names(rows.keys), value_set=_names(other.keys)).combine_chunks()
    return _only_at(other, place.to_numpy())


def _only_at(rows: SplitRows, places: npt.NDArray[np.int64]) -> SplitRows:
    """Rows by their places, which ascend: both tables' are sorted by image and copy."""
    chosen = np.zeros(rows.keys.num_rows, np.bool_)
    chosen[places] = True
    return rows.only(chosen)


def _of(split: str | None) -> str:
    return "" if split is None else f"split {split!r} of "
