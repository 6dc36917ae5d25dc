"""Which images moved most: by how far, or what of the second side is least like the first."""

from dataclasses import dataclass

import numpy as np

from classifiers.drifting.side import Side
from classifiers.heads.neighbours import blocks_of, nearest, unit_rows

NO_FURTHER = 1e-5
"""Distances below it are rounding's."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One image and how far it is.

    Attributes:
        image_id: its id.
        label: its class on the second side; None when it has none.
        distance: 1 - cosine, from 0 to 2: to the same image of the first side, or to that image of
            the first side which is nearest.
    """

    image_id: str
    label: str | None
    distance: float


def shared_ids(first: Side, second: Side) -> int:
    """How many images are on both sides, by their ids."""
    return len(np.intersect1d(first.ids, second.ids, assume_unique=True))


def moved_most(first: Side, second: Side, most: int) -> tuple[Moved, ...]:
    """The images that are farthest from where they were, the farthest first.

    Where both sides have images of the same ids, these are compared, and those that did not move
    are left out. Otherwise each of the second side is held against all of the first.

    Args:
        first: the images before.
        second: the images after.
        most: so many are wanted.
    """
    _, before, after = np.intersect1d(
        first.ids, second.ids, assume_unique=True, return_indices=True
    )
    if len(before):
        old, new = unit_rows(first.vectors[before]), unit_rows(second.vectors[after])
        cosines = np.einsum("ij,ij->i", old, new, dtype=np.float64)
        # Nothing but zeros has no direction: it is where it was, or nowhere near.
        cosines[(first.vectors[before] == second.vectors[after]).all(axis=1)] = 1.0
    else:
        after = np.arange(len(second.ids))
        values, _ = nearest(blocks_of(unit_rows(first.vectors)), unit_rows(second.vectors), 1)
        cosines = values[:, 0].astype(np.float64)
    distances = np.maximum(1.0 - cosines, 0.0)
    order = np.argsort(-distances, kind="stable")[:most]
    return tuple(
        Moved(second.ids[after[n]], second.labels[after[n]], float(distances[n]))
        for n in order
        if distances[n] > NO_FURTHER
    )
