"""Stat data that a manifest brings along, as an inventory of a store does: no file is asked."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import InputError
from pipelines.images.layout import STAT_COLUMNS
from pipelines.images.name_index import Places
from pipelines.images.prefix import TICK

_MOMENT = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True)
class Stated:
    """What a manifest says of files, row by row.

    Attributes:
        sizes: in bytes.
        modified: time of last change, microseconds since the epoch.
        changed: see `ImageRef`; the end of the second of `modified`, for times may be in seconds,
            within which a second change would not show.
    """

    sizes: Places
    modified: Places
    changed: Places

    def taken(self, order: pa.Array | None) -> "Stated":
        """The same in another order of the rows; as it is for None."""
        if order is None:
            return self
        places = order.to_numpy()
        return Stated(self.sizes[places], self.modified[places], self.changed[places])


def stated_in(manifest: str, rows: pa.Table) -> Stated | None:
    """The stat data of a manifest's rows; None where its columns are not told.

    Args:
        manifest: the file, for complaints.
        rows: what `read_table` gives of it.

    Raises:
        InputError: a row has none, or what is there are no sizes or no times.
    """
    if not {*STAT_COLUMNS} <= {*rows.column_names}:
        return None
    try:
        sizes = rows.column("size").combine_chunks()
        sizes = _values(_plain(sizes).cast(pa.int64()))
        modified = _values(_moments(_plain(rows.column("modified").combine_chunks())))
    except (pa.ArrowException, ValueError) as error:
        raise InputError(
            f"what --size_column and --modified_column name in {manifest} are not sizes in bytes "
            f"and times (timestamps, or text as 2026-11-28T10:00:00Z): {error}"
        ) from error
    return Stated(sizes, modified, modified + (TICK - 1))


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _moments(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        try:
            column = column.cast(_MOMENT)
        except pa.ArrowInvalid:  # without a zone it is UTC
            column = column.cast(pa.timestamp("us"))
    elif not pa.types.is_timestamp(kind):
        raise ValueError(f"{kind} is no time")
    # Of nanoseconds, whole microseconds, as of a file's own.
    unzoned = column.cast(pa.timestamp(column.type.unit, "UTC"))
    return pc.floor_temporal(unzoned, unit="microsecond").cast(_MOMENT).cast(pa.int64())


def _values(column: pa.Array) -> Places:
    if column.null_count:
        raise ValueError(f"row {column.is_null().index(True).as_py() + 1} has none")
    values: Places = column.to_numpy()
    if (values < 0).any():
        raise ValueError(f"row {int(np.argmax(values < 0)) + 1} has {values.min()}")
    return values
