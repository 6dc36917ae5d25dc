"""The images of a table as what can be near: what is known of each, and how they are searched."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.data.columns import read_columns
from classifiers.data.memory import MemoryBudget, show_size
from classifiers.data.pooled import Floats, read_pooled
from classifiers.data.row_groups import SplitRows, find_rows
from classifiers.heads.neighbours import blocks_of, rows_of_block, unit_rows
from classifiers.nearest.finding import Places, Search, exact_search
from classifiers.nearest.report import IndexUsed
from pipelines.cli import log
from pipelines.errors import TableError
from pipelines.table.feature_table import FeatureTable


@dataclass(frozen=True, slots=True)
class Stored:
    """Images of a table, without their augmented copies.

    Attributes:
        table: the table.
        rows: columns image_id, label, split and uri, ascending by id.
        search: finds the nearest of them.
        vectors_at: the pooled features of images at some places, float32 (n, channels), of length
            1; a row of zeros stays one.
        index: the index that is asked; None where all images are looked at.
    """

    table: FeatureTable
    rows: pa.Table
    search: Search
    vectors_at: Callable[[Places], Floats]
    index: IndexUsed | None = None

    def place_of(self, image_id: str) -> int | None:
        """The image's row; None when it is not among them."""
        place: int = self.rows["image_id"].index(image_id).as_py()
        return None if place < 0 else place


def read_stored(table: FeatureTable, split: str | None, budget: MemoryBudget) -> Stored:
    """Read the images of a split, or all of them when it is None, to look at all in a search.

    Args:
        table: the table.
        split: the split.
        budget: what their vectors may take in memory; larger ones are in a temporary file.

    Raises:
        TableError: there are none, a file is damaged, or features are no finite numbers or of all
            images the same.
    """
    rows = find_rows(table, split, 0, "--split")
    vectors = read_pooled(rows, _room(rows.keys.num_rows, table.feature_shape[-1], budget))
    step = rows_of_block(vectors.shape[1])
    for start in range(0, len(vectors), step):  # as a whole they would be there three times over
        vectors[start : start + step] = unit_rows(vectors[start : start + step])
    require_different(rows, vectors)
    return Stored(table, known_of(rows), exact_search(vectors), lambda places: vectors[places])


def known_of(rows: SplitRows) -> pa.Table:
    """The columns of `Stored.rows`."""
    keys = rows.keys.select(["image_id", "label", "split"])
    return keys.append_column("uri", read_columns(rows, ["uri"])["uri"])


def vector_of(stored: Stored, image_id: str) -> Floats | None:
    """The unit vector (1, channels) of an image of the table, of whatever split.

    Returns:
        None when the table has no such image.
    """
    place = stored.place_of(image_id)
    if place is not None:
        return stored.vectors_at(np.array([place]))
    rows = _row_of(stored.table, image_id)
    return None if rows is None else unit_rows(read_pooled(rows))


def uri_of(stored: Stored, image_id: str) -> str | None:
    """Where an image of the table is, of whatever split."""
    place = stored.place_of(image_id)
    if place is not None:
        return cast(str | None, stored.rows["uri"][place].as_py())
    rows = _row_of(stored.table, image_id)
    return None if rows is None else cast(str | None, read_columns(rows, ["uri"])["uri"][0].as_py())


def _row_of(table: FeatureTable, image_id: str) -> SplitRows | None:
    rows = find_rows(table, None, 0)
    chosen: npt.NDArray[np.bool_] = np.asarray(rows.keys["image_id"]) == image_id
    return rows.only(chosen) if chosen.any() else None


def require_different(rows: SplitRows, vectors: Floats) -> None:
    """Refuse images whose vectors (n, channels) all point the same way.

    Raises:
        TableError: they do, so that none is nearer than another.
    """
    if len(vectors) > 1 and all((block == vectors[0]).all() for block in blocks_of(vectors)):
        raise TableError(
            f"the features of all {len(vectors):,} images of {rows.table.uri} are the same, so "
            "that none is nearer than another; look at the images and the base's weights"
        )


def _room(rows: int, length: int, budget: MemoryBudget) -> Floats | None:
    size = 4 * rows * length
    if size <= budget.size:
        return None
    log(
        f"the vectors of {rows:,} images, {show_size(size)}, are more than "
        f"{show_size(budget.size)} ({budget.reason}) and lie in a temporary file"
    )
    with tempfile.TemporaryFile(prefix="frozen-features-") as file:
        return np.memmap(file, np.float32, "w+", shape=(rows, length))


def require_others(stored: Stored, itself: int) -> None:
    """Refuse images among which there is nothing to find.

    Args:
        stored: the images.
        itself: 1 if what is searched for is one of them, otherwise 0.

    Raises:
        TableError: there are no others.
    """
    if stored.rows.num_rows <= itself:
        name = stored.rows["image_id"][0].as_py()
        raise TableError(f"{name} is the only image there; its neighbours need others")
