"""From class names to the numbers that heads are trained on."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from pipelines.cli import few
from pipelines.errors import TableError, UsageError

NAMED = 10
"""Classes that a message names; of more it says how many."""


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
        raise TableError(
            f"a head needs images of two classes or more, this split has {found}; labels come from "
            "folders split/label/image, or from a manifest's column label"
        )
    return classes


def encode(
    labels: npt.NDArray[np.object_], classes: Sequence[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Number labels by their place in `classes`; images of none of them are left out.

    Args:
        labels: class names (n,); None where an image has none.
        classes: names by number.

    Returns:
        The class numbers (m,) of the images that are of one of the classes, and which (n,) are.
    """
    places = {name: place for place, name in enumerate(classes)}
    known = np.array([label in places for label in labels], dtype=bool)
    return np.array([places[label] for label in labels[known]], np.int64), known


def unknown_classes(labels: npt.NDArray[np.object_], classes: Collection[str]) -> Counter[str]:
    """Images by class, of classes that a head cannot know because it was not trained on them."""
    return Counter(str(label) for label in labels if label is not None and label not in classes)


def no_class_known(split: str, unknown: Mapping[str, int], classes: Sequence[str]) -> TableError:
    """What to say of a split without a single image that can be trained or measured on.

    Args:
        split: its name.
        unknown: what `unknown_classes` found in it.
        classes: names by number.
    """
    if not unknown:
        return TableError(f"no image of split {split!r} has a label")
    return TableError(
        f"no image of split {split!r} is of a class that is trained on: it has "
        f"{named(sorted(unknown))}, and not {named(classes)}"
    )


def left_out_line(split: str, unknown: Counter[str]) -> str:
    """One line on images that are left out because their classes are not trained on."""
    return (
        f"left out of split {split!r}: {unknown.total()} images of {len(unknown)} classes "
        f"without an image to train on: {named(sorted(unknown))}"
    )


def named(classes: Sequence[str]) -> str:
    """Classes for a message."""
    return few(classes, NAMED)


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
    for name, value in _named_weights(text, classes):
        try:
            weights[list(classes).index(name)] = float(value)
        except ValueError:
            raise UsageError(f"--class_weight {name}: {value!r} is no number") from None
    if not all(0.0 < weight < math.inf for weight in weights.values()):
        raise UsageError(f"--class_weight {text}: weights must be finite and above 0")
    return weights


def _named_weights(text: str, classes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Classes and what stands for their weights; a name may hold commas and equals signs."""
    longest_first = sorted(classes, key=len, reverse=True)
    names = "|".join(re.escape(name) for name in longest_first)
    weight = re.compile(rf"\s*({names})\s*=\s*([^,]*?)\s*(?:,|$)")
    start = 0
    while start < len(text):
        found = weight.match(text, start)
        if found is None:
            name, equals, _ = text[start:].partition(",")[0].rpartition("=")
            if not equals:
                raise UsageError(f"--class_weight {text}: write none, balanced or CLASS=WEIGHT,...")
            raise UsageError(
                f"--class_weight: no class {name.strip()!r}, there are {named(classes)}"
            )
        yield found[1], found[2]
        start = found.end()
