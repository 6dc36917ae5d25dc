"""Reading a feature table into NumPy arrays, in an order that does not hang on its files."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import TableError
from pipelines.table.feature_table import FeatureTable

KEYS = ["image_id", "copy", "label"]
STREAM_ROWS = 1024
"""Most rows of a batch when a table is read without holding all of it."""


class Samples(NamedTuple):
    """Images as a head sees them; unpacks into `X, y, ids`.

    Attributes:
        features: float32 (n, length), C-contiguous, as the base gave them.
        labels: class names (n,); None where an image has none.
        ids: image ids (n,).
    """

    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.object_]
    ids: npt.NDArray[np.object_]


def load(table: str, split: str | None = None, version: int | None = None) -> Samples:
    """Load a split of a feature table for training or exploring.

    Args:
        table: the table's location.
        split: the split wanted; all rows when None.
        version: an older version of the table; the newest when None.

    Returns:
        The rows ascending by (id, copy), so that two tables that hold the same rows give the same
        arrays.

    Raises:
        TableError: there is no such table, version or split.
    """
    return load_split(FeatureTable.open(table, version), split)


def load_split(table: FeatureTable, split: str | None) -> Samples:
    """Load a split of an open table; see `load`."""
    table.check_files()
    dataset = table.dataset()
    chosen = None if split is None else pc.field("split") == split
    with table.reading():
        keys = dataset.to_table(columns=KEYS, filter=chosen)
    if not keys.num_rows:
        raise _no_such_split(table, split)
    order = pc.sort_indices(keys, sort_keys=[("image_id", "ascending"), ("copy", "ascending")])
    places = np.empty(keys.num_rows, np.int64)
    places[order.to_numpy()] = np.arange(keys.num_rows)

    features = np.empty((keys.num_rows, table.feature_length), np.float32)
    row = 0
    with table.reading():
        for batch in dataset.to_batches(columns=["image_id", "features"], filter=chosen):
            end = row + batch.num_rows
            # The second pass must meet the rows of the first one, or labels would slip.
            ids = pa.chunked_array([batch.column("image_id")])
            if not ids.equals(keys.column("image_id").slice(row, batch.num_rows)):
                raise TableError(f"the files of {table.uri} changed while they were read")
            features[places[row:end]] = _matrix(batch, table.feature_length)
            row = end
    ordered = keys.take(order)
    return Samples(features, _objects(ordered, "label"), _objects(ordered, "image_id"))


def stream_split(
    table: FeatureTable, split: str | None
) -> Iterator[tuple[pa.Table, npt.NDArray[np.float32]]]:
    """Read a split batch by batch, in the order of the files, without holding all of it.

    Args:
        table: the table.
        split: the split wanted; all rows when None.

    Yields:
        Columns image_id, copy, label and split of some rows, and their features (n, length).

    Raises:
        TableError: there are no such rows.
    """
    table.check_files()
    chosen = None if split is None else pc.field("split") == split
    columns = [*KEYS, "split"]
    rows = 0
    for batch in table.dataset().to_batches(
        columns=[*columns, "features"], filter=chosen, batch_size=STREAM_ROWS
    ):
        if batch.num_rows:
            rows += batch.num_rows
            keys = pa.Table.from_batches([batch.select(columns)])
            yield keys, _matrix(batch, table.feature_length)
    if not rows:
        raise _no_such_split(table, split)


def splits(table: FeatureTable) -> frozenset[str]:
    """Names of the splits a table has rows of."""
    return frozenset(split for split, _, _ in table.counts())


def _no_such_split(table: FeatureTable, split: str | None) -> TableError:
    have = ", ".join(sorted(splits(table))) or "no rows"
    wanted = "rows" if split is None else f"rows of split {split!r}"
    return TableError(f"no {wanted} in {table.uri}; it has {have}")


def _matrix(batch: pa.RecordBatch, length: int) -> npt.NDArray[np.float32]:
    values = batch.column("features").flatten().to_numpy(zero_copy_only=True)
    if values.size != batch.num_rows * length:
        raise TableError(f"a row does not hold {length} features; check it with pipelines.verify")
    matrix: npt.NDArray[np.float32] = values.reshape(batch.num_rows, length)
    return matrix


def _objects(table: pa.Table, name: str) -> npt.NDArray[np.object_]:
    values: npt.NDArray[np.object_] = np.array(table.column(name).to_pylist(), dtype=object)
    return values
