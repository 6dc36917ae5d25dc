"""Features of several tables side by side: of each image those of one base after another's."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from classifiers.data.agreement import require_agreement
from classifiers.data.decoding import Block, decode
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
        found = np.empty((rows.keys.num_rows, rows.length + self.length), np.float32)
        start = 0
        for part in (rows, *(_same(other, rows) for other in self._rows)):
            _read_into(found[:, start : start + part.length], part)
            start += part.length
        return found

    def hold(self, samples: StreamedSet) -> HeldSet:
        """Read all features of rows that `common` gave into memory, in the order of the keys."""
        return HeldSet(self.read(samples.rows), samples.targets, None, samples.images)


ALONE = Beside()
"""No further tables."""


def _read_into(room: Floats, rows: SplitRows) -> None:
    """Read features into columns of what holds those of all tables, which is there once only."""

    def put(block: Block) -> None:
        room[block.places] = block.features

    for _ in decode(rows, put):
        pass


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
    require_agreement(mine, theirs)
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
