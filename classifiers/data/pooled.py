"""Pooled features: the mean or maximum of each channel over an image's map, one vector an image."""

from math import prod

import numpy as np
import numpy.typing as npt

from classifiers.data.decoding import Block, decode
from classifiers.data.row_groups import SplitRows
from pipelines.cli import few
from pipelines.errors import TableError, UsageError
from pipelines.table.feature_table import FeatureTable

Floats = npt.NDArray[np.float32]

AS_STORED = "none"
POOLINGS = (AS_STORED, "avg", "max")
"""What is made of stored maps: nothing, the mean or the maximum of each channel."""

NAMED = 3
"""Images that a message names."""


def pool(features: Floats, shape: tuple[int, ...], pooling: str = "avg") -> Floats:
    """The mean or maximum of each channel.

    Args:
        features: float32 (n, length), as a table holds them.
        shape: of one image's features before flattening, channels last.
        pooling: one of `POOLINGS`.

    Returns:
        float32 (n, channels); with "none", and of what has no height and width, the features.
    """
    if pooling == AS_STORED or prod(shape[:-1]) == 1:
        return features
    if pooling == "max":
        highest: Floats = features.reshape(len(features), -1, shape[-1]).max(axis=1)
        return highest
    # In float64: sums of large features are more than float32 holds.
    with np.errstate(invalid="ignore"):  # infinities of both signs; what they make is looked for
        means = features.reshape(len(features), -1, shape[-1]).mean(axis=1, dtype=np.float64)
    found: Floats = means.astype(np.float32)
    return found


def read_pooled(rows: SplitRows, room: Floats | None = None) -> Floats:
    """Read the pooled features of all rows, float32 (n, channels), in the order of the keys.

    Args:
        rows: the rows.
        room: where they are put; new memory when None.

    Raises:
        TableError: they are not all finite, or a file is missing or damaged.
    """
    shape = rows.table.feature_shape
    size = (rows.keys.num_rows, shape[-1])
    found = np.empty(size, np.float32) if room is None else room
    sound = np.empty(rows.keys.num_rows, np.bool_)

    def put(block: Block) -> None:
        pooled = pool(block.features, shape)
        found[block.places] = pooled
        sound[block.places] = np.isfinite(pooled).all(axis=1)

    for _ in decode(rows, put):
        pass
    require_sound(rows, sound)
    return found


def require_sound(rows: SplitRows, sound: npt.NDArray[np.bool_]) -> None:
    """Refuse rows whose features are no finite numbers.

    Args:
        rows: the rows.
        sound: of each of them (n,), whether its features are finite.

    Raises:
        TableError: not all are; it names some.
    """
    if not sound.all():
        bad = rows.keys["image_id"].take(np.flatnonzero(~sound)).to_pylist()
        raise TableError(
            f"features of {len(bad)} rows of {rows.table.uri} are not finite: {few(bad, NAMED)}; "
            "extract these images again"
        )


def require_maps(table: FeatureTable, pooling: str, option: str) -> None:
    """Refuse to pool what has no height and width.

    Args:
        table: the table.
        pooling: one of `POOLINGS`.
        option: that asks for it, for the complaint.

    Raises:
        UsageError: the table holds one vector an image.
    """
    if pooling == AS_STORED or prod(table.feature_shape[:-1]) > 1:
        return
    already = table.contract.pooling
    why = f", pooled already ({already})" if already != "none" else ""
    raise UsageError(
        f"{option} {pooling} pools maps with height and width, and {table.uri} holds one vector an "
        f"image{why}; take none"
    )
