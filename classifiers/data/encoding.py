"""From class names to the numbers that heads are trained on."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipelines.errors import TableError, UsageError


def classes_of(labels: npt.NDArray[np.object_]) -> tuple[str, ...]:
    """The classes of labelled images, sorted.

    Args:
        labels: class names (n,); None where an image has none.

    Raises:
        TableError: there are fewer than two, so that there is nothing to tell apart.
    """
    classes = tuple(sorted({str(label) for label in labels if label is not None}))
    if len(classes) < 2:
        found = f"only {classes[0]!r}" if classes else "no labels"
        raise TableError(f"a head needs images of two classes or more, this split has {found}")
    return classes


def encode(
    labels: npt.NDArray[np.object_], classes: Sequence[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Number labels by their place in `classes`; unlabelled images are left out.

    Args:
        labels: class names (n,); None where an image has none.
        classes: names by number.

    Returns:
        The class numbers (m,) of the labelled images, and which images are labelled (n,).

    Raises:
        TableError: an image has a class that is not among them, or none is labelled.
    """
    labelled = np.array([label is not None for label in labels], dtype=bool)
    if not labelled.any():
        raise TableError("no image of this split has a label")
    places = {name: place for place, name in enumerate(classes)}
    strangers = sorted({str(label) for label in labels[labelled]} - places.keys())
    if strangers:
        raise TableError(
            f"class {strangers[0]!r} was not in the training split, which has {', '.join(classes)}"
        )
    return np.array([places[label] for label in labels[labelled]], np.int64), labelled


def parse_class_weight(
    text: str, classes: Sequence[str], targets: npt.NDArray[np.int64]
) -> dict[int, float] | None:
    """Read `--class_weight`: "none", "balanced" (n / (classes x images of it)), or "cats=1,dogs=2".

    Returns:
        Weight by class number, None when all are alike; classes not named weigh 1.

    Raises:
        UsageError: the text is none of these, or names a class that is not there.
    """
    if text == "none":
        return None
    if text == "balanced":
        counts = np.bincount(targets, minlength=len(classes))
        return {k: float(len(targets) / (len(classes) * count)) for k, count in enumerate(counts)}
    weights = dict.fromkeys(range(len(classes)), 1.0)
    for part in text.split(","):
        name, equals, value = (each.strip() for each in part.rpartition("="))
        if not equals:
            raise UsageError(f"--class_weight {text}: write none, balanced or CLASS=WEIGHT,...")
        if name not in classes:
            raise UsageError(f"--class_weight: no class {name!r}, there are {', '.join(classes)}")
        try:
            weights[list(classes).index(name)] = float(value)
        except ValueError:
            raise UsageError(f"--class_weight {name}: {value!r} is no number") from None
    if not all(0.0 < weight < math.inf for weight in weights.values()):
        raise UsageError(f"--class_weight {text}: weights must be finite and above 0")
    return weights
