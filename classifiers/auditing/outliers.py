"""Images unlike all others, and images far from every class.

By the cosine of roots of features, not whitened: whitening makes everything nearly equally far.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.heads.neighbours import unit_rows

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

ROWS_AT_ONCE = 4096

NEIGHBOUR = 10
"""An image's distance is that to so manyth nearest other: a handful of odd ones are still odd."""

FENCE = 3.0
"""Interquartile ranges above the third quartile from which a distance is far out (Tukey's)."""

FEWEST = 2 * NEIGHBOUR
"""Images of which quartiles say something."""


@dataclass(frozen=True, slots=True)
class Outlier:
    """An image unlike the others.

    Attributes:
        image_id: the image.
        split: its split.
        label: its label; None where it has none.
        distance: 1 - the cosine to the `NEIGHBOUR`th nearest image, 0 to 2.
        nearest_class: whose mean direction is nearest; None without labels.
        class_distance: 1 - the cosine to that; None without labels.
        far_from_classes: whether that is far out, too.
    """

    image_id: str
    split: str
    label: str | None
    distance: float
    nearest_class: str | None
    class_distance: float | None
    far_from_classes: bool


def far_out(distances: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Which distances (n,) are far above most; none where there are too few to say."""
    if len(distances) < FEWEST:
        return np.zeros(len(distances), bool)
    low, high = np.quantile(distances, [0.25, 0.75])
    # As many digits as cosines have: of equal images none is far.
    found: npt.NDArray[np.bool_] = distances > high + FENCE * (high - low) + 1e-5
    return found


def to_unit_length(vectors: Floats) -> None:
    """Make vectors (n, length) of length 1, in place; one of zeros stays what it is."""
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        vectors[start : start + ROWS_AT_ONCE] = unit_rows(vectors[start : start + ROWS_AT_ONCE])


def nearest_classes(units: Floats, targets: Places, classes: int) -> tuple[Places, Floats]:
    """The class whose mean direction is nearest to each image, and how far it is.

    Args:
        units: float32 (n, length), of length 1.
        targets: int64 (n,), class numbers, -1 for none; some of every class.
        classes: how many, 1 at least.

    Returns:
        Class numbers int64 (n,), and 1 - cosine, float32 (n,).
    """
    sums = np.stack([units[targets == number].mean(axis=0) for number in range(classes)])
    means = unit_rows(sums)
    nearest = np.empty(len(units), np.int64)
    cosines = np.empty(len(units), np.float32)
    for start in range(0, len(units), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        block = units[part] @ means.T
        nearest[part], cosines[part] = block.argmax(axis=1), block.max(axis=1)
    return nearest, np.float32(1.0) - cosines
