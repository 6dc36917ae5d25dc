"""Which images moved most, and which did not at all."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.drifting.side import Side
from classifiers.heads.neighbours import blocks_of, nearest, unit_rows

NO_FURTHER = 1e-5
"""Distances below it are rounding's."""

AT_ONCE = 256
"""New images whose cosines with a block of the others are in memory."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One image and how far it is.

    Attributes:
        image_id: its id.
        label: its class on the second side; None when it has none.
        distance: 1 - cosine, from 0 to 2: to the same image of the first side; if it has none of
            that id, to that image of the first side which is nearest.
    """

    image_id: str
    label: str | None
    distance: float


def shared_ids(first: Side, second: Side) -> int:
    """How many images are on both sides, by their ids."""
    return len(np.intersect1d(first.ids, second.ids, assume_unique=True))


def alike(first: Side, second: Side) -> npt.NDArray[np.bool_]:
    """Which images of the second side (n,) are on the first, by their ids, with equal features."""
    _, before, after = np.intersect1d(
        first.ids, second.ids, assume_unique=True, return_indices=True
    )
    found = np.zeros(len(second.ids), np.bool_)
    found[after] = (first.vectors[before] == second.vectors[after]).all(axis=1)
    return found


def moved_most(first: Side, second: Side, most: int) -> tuple[Moved, ...]:
    """The images that are farthest from where they were, the farthest first.

    An image of the second side is held against that of the same id on the first; one that is new
    there, against all of the first. Those that did not move are left out.

    Args:
        first: the images before.
        second: the images after.
        most: so many are wanted.
    """
    _, before, after = np.intersect1d(
        first.ids, second.ids, assume_unique=True, return_indices=True
    )
    old, now = unit_rows(first.vectors), unit_rows(second.vectors)
    cosines = np.empty(len(second.ids), np.float64)
    cosines[after] = np.einsum("ij,ij->i", old[before], now[after], dtype=np.float64)
    new = np.setdiff1d(np.arange(len(second.ids)), after)
    for part in np.array_split(new, range(AT_ONCE, len(new), AT_ONCE)):
        if len(part):
            cosines[part] = nearest(blocks_of(old), now[part], 1)[0][:, 0]
    # Nothing but zeros has no direction: it is where it was, or nowhere near.
    cosines[alike(first, second)] = 1.0
    distances = np.maximum(1.0 - cosines, 0.0)
    order = np.argsort(-distances, kind="stable")[:most]
    return tuple(
        Moved(second.ids[place], second.labels[place], float(distances[place]))
        for place in order
        if distances[place] > NO_FURTHER
    )
