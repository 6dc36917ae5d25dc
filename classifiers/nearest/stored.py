"""The images of a table as what can be near: unit vectors, and what is known of each."""

from dataclasses import dataclass

import pyarrow as pa

from classifiers.data.columns import read_columns
from classifiers.data.pooled import Floats, read_pooled
from classifiers.data.row_groups import find_rows
from classifiers.heads.neighbours import unit_rows
from pipelines.errors import TableError
from pipelines.table.feature_table import FeatureTable


@dataclass(frozen=True, slots=True)
class Stored:
    """Images of a table, without their augmented copies.

    Attributes:
        rows: columns image_id, label, split and uri, ascending by id.
        vectors: float32 (n, channels), their pooled features, of length 1.
    """

    rows: pa.Table
    vectors: Floats

    def place_of(self, image_id: str) -> int | None:
        """The image's row; None when it is not among them."""
        place: int = self.rows["image_id"].index(image_id).as_py()
        return None if place < 0 else place


def read_stored(table: FeatureTable, split: str | None) -> Stored:
    """Read the images of a split, or all of them when it is None.

    Raises:
        TableError: there are none, a file is damaged, or features are no finite numbers.
    """
    rows = find_rows(table, split, 0, "--split")
    keys = rows.keys.select(["image_id", "label", "split"])
    uris = read_columns(rows, ["uri"])["uri"]
    return Stored(keys.append_column("uri", uris), unit_rows(read_pooled(rows)))


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
