"""Reading a feature table into NumPy arrays, in an order that does not depend on its files."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.data.decoding import Block, decode
from classifiers.data.pooled import pool
from classifiers.data.row_groups import SplitRows, as_objects, find_rows
from pipelines.errors import UsageError
from pipelines.redaction import without_secrets
from pipelines.table.feature_table import FeatureTable


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


@without_secrets
def load(
    table: str, split: str | None = None, version: int | None = None, copies: int | None = 0
) -> Samples:
    """Load a split of a feature table for training or exploring.

    Args:
        table: the table's location.
        split: the split wanted; all rows when None.
        version: an older version of the table; the newest when None.
        copies: augmented copies of each image at most, after the image itself; all when None. Their
            rows bear the image's id: give the ids as groups to whatever cuts folds of them.

    Returns:
        The rows ascending by (id, copy), so that two tables that hold the same rows give the same
        arrays.

    Raises:
        TableError: there is no such table, version or split.
        UsageError: the split is no name.
    """
    if not isinstance(split, str | None):
        raise UsageError(f"a split is a name, not {split!r}; load one split after the other")
    rows = find_rows(FeatureTable.open(table, version), split, copies)
    return Samples(read_features(rows), rows.labels(), as_objects(rows.keys.column("image_id")))


def read_features(rows: SplitRows, pooling: str = "none") -> npt.NDArray[np.float32]:
    """Read the features of all rows into one array, in the order of the keys.

    Args:
        rows: the rows.
        pooling: of the stored maps, as `pool` does it.

    Returns:
        float32 (n, length), or (n, channels) of maps that are pooled.

    Raises:
        TableError: a file is missing or damaged, or changed since the rows were found.
    """
    shape = rows.table.feature_shape
    length = rows.length if pooling == "none" else shape[-1]
    features = np.empty((rows.keys.num_rows, length), np.float32)

    def put(block: Block) -> None:
        features[block.places] = pool(block.features, shape, pooling)

    for _ in decode(rows, put):
        pass
    return features


def stream_split(
    table: FeatureTable, split: str | None
) -> Iterator[tuple[pa.Table, npt.NDArray[np.float32]]]:
    """Read a split block by block, in the order of the files, without holding all its features.

    Args:
        table: the table.
        split: the split wanted; all rows when None.

    Yields:
        Columns image_id, copy, label and split of some rows, and their features (n, length).

    Raises:
        TableError: there are no such rows.
    """
    rows = find_rows(table, split)
    for block in decode(rows, lambda block: block):
        yield rows.keys.take(pa.array(block.places)), block.features
