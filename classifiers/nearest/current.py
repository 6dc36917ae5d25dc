"""The index of exactly the images of a table, made of that of another version if there is one."""

import numpy as np

from classifiers.data.columns import read_columns
from classifiers.data.pooled import Floats, read_pooled
from classifiers.data.row_groups import SplitRows, find_rows
from classifiers.heads.neighbours import unit_rows
from classifiers.nearest.index import Keys, VectorIndex, row_keys
from classifiers.nearest.kept import keep, read_nearest
from classifiers.nearest.report import IndexUsed
from classifiers.nearest.stored import Stored, known_of, require_different
from pipelines.cli import log
from pipelines.errors import TableError
from pipelines.table.feature_table import FeatureTable

REPLACED = 0.5
"""An index more of whose vectors are to go is built anew: those taken out leave gaps in it."""


MEASURED, ENOUGH = 100, 50
"""New images that recall is measured on, before the index has them; of fewer than enough of them,
what was measured before tells more.
"""


def read_indexed(table: FeatureTable) -> Stored:
    """The images of a table, to be searched by the index.

    Raises:
        TableError: there are none, features are not finite, or of all images the same, or files
            are damaged.
        ModuleNotFoundError: usearch is not installed.
    """
    rows = find_rows(table, None, 0)
    keys = keys_of(rows)
    index, used = current_index(rows, keys)
    search = index.search_among(keys)
    return Stored(table, known_of(rows), search, lambda places: index.vectors(keys[places]), used)


def keys_of(rows: SplitRows) -> Keys:
    """The key of each image, uint64 (n,), in the order of the rows' keys."""
    hashes = read_columns(rows, ["sha256"])["sha256"].to_pylist()
    return row_keys(rows.keys["image_id"].to_pylist(), hashes)


def current_index(rows: SplitRows, keys: Keys) -> tuple[VectorIndex, IndexUsed]:
    """Read the kept index and bring it up to these images, or build one; keep what has changed.

    Args:
        rows: all images of the table.
        keys: of each of them.

    Raises:
        TableError: features are not finite, or of all images the same, or files are damaged.
        ModuleNotFoundError: usearch is not installed.
    """
    table = rows.table
    if len(np.unique(keys)) < len(keys):
        raise TableError(f"two images of {table.uri} have one key; search without --index")
    kept = read_nearest(table)
    if kept is not None:
        index, record = kept
        held = index.keys
        gone, new = np.setdiff1d(held, keys), ~np.isin(keys, held)
        if not len(gone) and not new.any():
            return index, IndexUsed(record.version, 0, 0, record.recall, record.measured)
        if len(gone) > REPLACED * len(held):
            kept = None
    if kept is None:
        index = VectorIndex.new(table.feature_shape[-1])
        gone, new = keys[:0], np.ones(len(keys), np.bool_)
    index.remove(gone)
    chosen = rows.only(new)
    added = chosen.keys.num_rows
    log(f"{added:,} images into the index")
    vectors = unit_rows(read_pooled(chosen)) if added else np.empty((0, index.length), np.float32)
    if kept is None:
        require_different(chosen, vectors)
    measured = _put(index, keys[new], vectors)
    if kept is not None and (measured is None or measured[1] < ENOUGH):
        measured = record.recall, record.measured
    recall, images = measured or (1.0, 0)
    keep(table, index, recall, images)
    return index, IndexUsed(table.version, added, len(gone), recall, images)


def _put(index: VectorIndex, keys: Keys, vectors: Floats) -> tuple[float, int] | None:
    """Add vectors, some of them only after recall was measured on them.

    Returns:
        The recall and on how many vectors it was measured; None where there are no two of them.
    """
    drawn = np.zeros(len(keys), np.bool_)
    drawn[np.random.default_rng(0).permutation(len(keys))[: min(MEASURED, len(keys) // 2)]] = True
    index.add(keys[~drawn], vectors[~drawn])
    measured = (index.measure(vectors[drawn]), int(drawn.sum())) if drawn.any() else None
    index.add(keys[drawn], vectors[drawn])
    return measured
