"""Which rows a split has, in which row groups of which files they lie, and in what order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.errors import TableError
from pipelines.system.cores import usable_cores
from pipelines.table.doubles import tell_doubles
from pipelines.table.feature_table import FeatureTable
from pipelines.table.inspection import CHECKING_THREADS
from pipelines.table.receipts import receipt_in
from pipelines.table.rows import checked_columns
from pipelines.table.schema import LABELS

KEYS = pa.schema(
    [
        ("image_id", pa.string()),
        ("copy", pa.int32()),
        ("label", pa.string()),
        ("split", pa.string()),
    ]
)
"""All of a row but its features, as far as training and predicting need it."""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """One row group of one file, and the rows of it that are wanted.

    Attributes:
        path: of the file, inside the table's folder.
        number: of the row group in the file.
        footer: the file's metadata, so that it need not be read again.
        keys: image_id and copy of all its rows, as the first pass met them.
        wanted: int64 (n,), which of its rows are wanted, ascending.
        places: int64 (n,), the place of each of them in `SplitRows.keys`.
    """

    path: str
    number: int
    footer: Any
    keys: pa.Table
    wanted: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SplitRows:
    """The rows of a split, before their features are read.

    Attributes:
        table: the table they are of.
        keys: the columns `KEYS` of all rows, ascending by (image_id, copy), whatever the files.
        groups: the row groups that hold them, in the order of the files.
    """

    table: FeatureTable
    keys: pa.Table
    groups: tuple[RowGroup, ...]

    @property
    def length(self) -> int:
        """Features a row has."""
        return self.table.feature_length

    @property
    def feature_bytes(self) -> int:
        """Size of the features of all rows, as float32."""
        return int(self.keys.num_rows) * self.length * np.dtype(np.float32).itemsize

    def labels(self) -> npt.NDArray[np.object_]:
        """Class names (n,), in the order of `keys`; None where an image has none."""
        return as_objects(self.keys.column("label"))

    @property
    def may_have_several_labels(self) -> bool:
        """Whether no row has a single label, and the table keeps several of an image."""
        labels = self.keys.column("label")
        return LABELS in self.table.optional and labels.null_count == len(labels)

    def require_one_label(self) -> None:
        """Refuse rows without any label where the table has images with several.

        Raises:
            TableError: they are.
        """
        if self.may_have_several_labels:
            raise TableError(
                f"the images have several labels each, in the column {LABELS} of {self.table.uri}, "
                "and this takes classes of which an image has one; train, evaluate and predict "
                "take several"
            )

    def only(self, chosen: npt.NDArray[np.bool_]) -> "SplitRows":
        """Those rows for which `chosen` (n,) is true, in the same order."""
        if chosen.all():
            return self
        place = np.cumsum(chosen) - 1
        groups = []
        for group in self.groups:
            kept = chosen[group.places]
            if kept.any():
                places = place[group.places[kept]]
                groups.append(replace(group, wanted=group.wanted[kept], places=places))
        return SplitRows(self.table, self.keys.filter(pa.array(chosen)), tuple(groups))


def find_rows(
    table: FeatureTable, split: str | None, copies: int | None = None, option: str | None = None
) -> SplitRows:
    """Find the rows of a split, reading everything but the features.

    Each file that may hold some is opened once, and refused if it is of another contract than the
    table: somebody slipped it in. Files of other splits are left alone.

    Args:
        table: the table.
        split: the split wanted; all rows when None.
        copies: augmented copies of an image at most; all when None, 0 for the images alone.
        option: that names the split, for the complaint.

    Raises:
        TableError: there are no such rows, or a file is missing or damaged.
        ContractMismatchError: a file has another contract than the table.
    """
    chosen = None if split is None else pc.field("split") == split
    # Delta's statistics spare the files of other splits.
    paths = sorted(fragment.path for fragment in table.dataset().get_fragments(filter=chosen))
    with ThreadPoolExecutor(max(CHECKING_THREADS, usable_cores())) as threads:
        files = list(threads.map(lambda path: _read_keys(table, path), paths))
    groups = [group for path, file in zip(paths, files, strict=True) for group in _cut(path, *file)]
    # Files that Delta compacted mix splits.
    wanted = [_wanted(keys, split, copies) for _, _, _, keys in groups]
    found = [(*each, rows) for each, rows in zip(groups, wanted, strict=True) if len(rows)]
    if not found:
        raise _no_such_split(table, split, option)
    keys = pa.concat_tables([keys.take(pa.array(rows)) for _, _, _, keys, rows in found])
    order = pc.sort_indices(keys, sort_keys=[("image_id", "ascending"), ("copy", "ascending")])
    places = np.empty(keys.num_rows, np.int64)
    places[order.to_numpy()] = np.arange(keys.num_rows)
    ends = np.cumsum([len(rows) for *_, rows in found])
    keys = keys.take(order).combine_chunks()
    tell_doubles(table.uri, keys)
    return SplitRows(
        table,
        keys,
        tuple(
            RowGroup(path, number, footer, held.select(["image_id", "copy"]), rows, of_group)
            for (path, number, footer, held, rows), of_group in zip(
                found, np.split(places, ends[:-1]), strict=True
            )
        ),
    )


def splits(table: FeatureTable) -> frozenset[str]:
    """Names of the splits a table has rows of."""
    return table.splits()


def as_objects(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    """A column of strings (n,); None where there is none."""
    values: npt.NDArray[np.object_] = column.to_numpy()
    return values


def _read_keys(table: FeatureTable, path: str) -> tuple[Any, pa.Table]:
    with table.reading(path), table.storage.open_input_file(path) as source:
        file = pq.ParquetFile(source)
        table.check_receipt(path, receipt_in(file.metadata, path))
        keys = file.read(columns=KEYS.names, use_threads=False).select(KEYS.names).cast(KEYS)
        return file.metadata, checked_columns(keys)


def _cut(path: str, footer: Any, keys: pa.Table) -> Iterator[tuple[str, int, Any, pa.Table]]:  # noqa: ANN401
    start = 0
    for number in range(footer.num_row_groups):
        rows = footer.row_group(number).num_rows
        yield path, number, footer, keys.slice(start, rows)
        start += rows


def _wanted(keys: pa.Table, split: str | None, copies: int | None) -> npt.NDArray[np.int64]:
    chosen = np.ones(keys.num_rows, dtype=bool)
    if split is not None:
        chosen &= pc.equal(keys.column("split"), split).to_numpy()
    if copies is not None:
        chosen &= pc.less_equal(keys.column("copy"), copies).to_numpy()
    return np.flatnonzero(chosen)


def _no_such_split(table: FeatureTable, split: str | None, option: str | None) -> TableError:
    have = ", ".join(sorted(splits(table))) or "no rows"
    wanted = "rows" if split is None else f"rows of split {split!r}"
    name = f"; name one with {option}" if option else ""
    return TableError(f"no {wanted} in {table.uri}; it has {have}{name}")
