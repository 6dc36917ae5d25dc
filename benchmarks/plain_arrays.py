"""A feature table's splits as the NumPy files that a user without this project would have."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifiers.data.dataset import load
from pipelines.errors import TableError

SPLITS = ("train", "validation")

Split = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


def save_splits(table: Path, folder: Path) -> tuple[int, int]:
    """Write `SPLIT-x.npy`, features float32, and `SPLIT-y.npy`, class numbers, of both splits.

    Returns:
        Rows of the training split, and the length of a row.

    Raises:
        TableError: the table has no such split, or rows without a label.
    """
    folder.mkdir()
    shapes = []
    for split in SPLITS:
        samples = load(str(table), split=split)
        if any(label is None for label in samples.labels):
            raise TableError(f"split {split} of {table} has unlabelled rows; benchmark another one")
        _, numbers = np.unique(samples.labels.astype(str), return_inverse=True)
        np.save(folder / f"{split}-x.npy", samples.features)
        np.save(folder / f"{split}-y.npy", numbers)
        shapes.append(samples.features.shape)
    rows, length = shapes[0]
    return rows, length


def load_splits(folder: Path) -> tuple[Split, Split]:
    """What `save_splits` wrote: (features, class numbers) to train on and to validate on."""
    train, validation = (
        (np.load(folder / f"{split}-x.npy"), np.load(folder / f"{split}-y.npy")) for split in SPLITS
    )
    return train, validation
