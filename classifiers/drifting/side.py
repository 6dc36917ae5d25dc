"""One of the two sets of images that are compared."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.data.pooled import Floats, read_pooled
from classifiers.data.row_groups import as_objects, find_rows
from pipelines.errors import TableError
from pipelines.table.feature_table import FeatureTable

LEAST = 10
"""Images that a set needs for its tests to be able to find anything."""


@dataclass(frozen=True, slots=True)
class Side:
    """Images of a split, or of a whole table.

    Attributes:
        name: what it is called.
        ids: image ids (n,), ascending.
        labels: class names (n,); None where an image has none.
        vectors: float32 (n, channels), their pooled features.
    """

    name: str
    ids: npt.NDArray[np.object_]
    labels: npt.NDArray[np.object_]
    vectors: Floats

    def only(self, places: npt.NDArray[np.int64]) -> "Side":
        """The images at these places."""
        return Side(self.name, self.ids[places], self.labels[places], self.vectors[places])


def read_side(table: FeatureTable, split: str | None, option: str) -> Side:
    """Read the images of a split, or all of them when it is None, without augmented copies.

    Args:
        table: the table.
        split: the split.
        option: that names the split, for the complaint.

    Raises:
        TableError: there are too few, a file is damaged, or features are no finite numbers.
    """
    rows = find_rows(table, split, 0, option)
    where = f"version {table.version} of {table.uri}"
    name = where if split is None else f"split {split} of {where}"
    found = rows.keys.num_rows
    if found < LEAST:
        raise TableError(
            f"{name} has {found} image{'' if found == 1 else 's'}, and what has drifted shows in "
            f"{LEAST} or more only; name a larger split, or none"
        )
    return Side(name, as_objects(rows.keys["image_id"]), rows.labels(), read_pooled(rows))
