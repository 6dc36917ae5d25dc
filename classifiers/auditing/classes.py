"""Classes that are taken for each other, and classes too small to be learned."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]

FEWEST = 10
"""Images that are not the same, of which a class is not said to be small."""

SHARE = 0.1
"""Of two classes' images, the share taken for the other from which they are said to overlap."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two classes that are taken for each other.

    Attributes:
        one: a class.
        other: another one, behind it in the alphabet.
        taken: images of either that are said to be of the other.
        images: of both.
    """

    one: str
    other: str
    taken: int
    images: int

    @property
    def share(self) -> float:
        """Of their images, 0 to 1."""
        return self.taken / self.images


@dataclass(frozen=True, slots=True)
class SmallClass:
    """A class that a head will hardly learn.

    Attributes:
        label: the class.
        images: of it, in the splits that are learned from.
        apart: groups of the same picture that these are.
    """

    label: str
    images: int
    apart: int


def overlaps(predicted: Places, targets: Places, classes: Sequence[str]) -> list[Overlap]:
    """Pairs of classes that overlap, the worst first.

    Args:
        predicted: int64 (n,), class numbers, by heads that did not see the image.
        targets: int64 (n,), those of the labels.
        classes: names by number.
    """
    images = np.bincount(targets, minlength=len(classes))
    taken: dict[tuple[int, int], int] = defaultdict(int)
    wrong = predicted != targets
    for one, other in zip(targets[wrong].tolist(), predicted[wrong].tolist(), strict=True):
        taken[min(one, other), max(one, other)] += 1
    found = [
        Overlap(classes[one], classes[other], count, int(images[one] + images[other]))
        for (one, other), count in taken.items()
    ]
    bad = (each for each in found if each.share >= SHARE)
    return sorted(bad, key=lambda each: (-each.share, each.one, each.other))


def units_of_classes(targets: Places, units: Places, classes: int) -> Places:
    """How many units (n,) each class has, int64 (classes,); images without one are of class -1."""
    pairs = np.unique(np.column_stack([targets, units])[targets >= 0], axis=0)
    found: Places = np.bincount(pairs[:, 0], minlength=classes)
    return found


def small_classes(targets: Places, apart: Places, classes: Sequence[str]) -> list[SmallClass]:
    """Classes of fewer than `FEWEST` pictures, the smallest first.

    Args:
        targets: int64 (n,), class numbers, -1 for none.
        apart: int64 (classes,), what `units_of_classes` says.
        classes: names by number.
    """
    images = np.bincount(targets[targets >= 0], minlength=len(classes))
    found = [
        SmallClass(name, int(images[number]), int(apart[number]))
        for number, name in enumerate(classes)
        if apart[number] < FEWEST
    ]
    return sorted(found, key=lambda each: (each.apart, each.label))
