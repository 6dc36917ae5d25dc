"""Thresholds by class: from which score on an image is taken for a class."""

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

FORMS = "f1, precision=SHARE, recall=SHARE or cost=FP:FN"


@dataclass(frozen=True, slots=True)
class Criterion:
    """What a threshold is chosen for.

    Attributes:
        name: "f1", "precision", "recall" or "cost".
        numbers: the least precision or recall, or the costs of taking an image for the class
            wrongly and of missing one.
    """

    name: str
    numbers: tuple[float, ...] = ()

    def __str__(self) -> str:
        values = ":".join(f"{number:g}" for number in self.numbers)
        return f"{self.name}={values}" if values else self.name


def parse_criterion(text: str) -> Criterion:
    """What `--threshold` says.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    name, _, values = text.partition("=")
    try:
        numbers = tuple(float(each) for each in values.split(":")) if values else ()
    except ValueError:
        numbers = (math.nan,)
    wanted = {"f1": 0, "precision": 1, "recall": 1, "cost": 2}.get(name)
    share = name in ("precision", "recall")
    allowed = all((0.0 < each <= 1.0) if share else (0.0 < each < math.inf) for each in numbers)
    if len(numbers) != wanted or not allowed:
        raise argparse.ArgumentTypeError(
            f"{text!r} is none of {FORMS}, with shares above 0 and up to 1 and costs above 0"
        )
    return Criterion(name, numbers)


def fit_thresholds(
    ranking: Floats, targets: Numbers, classes: Sequence[str], criterion: Criterion
) -> dict[str, float | None]:
    """The best threshold of each class against the rest, by class name.

    A threshold lies halfway between the last score that is taken for the class and the next lower
    one. Of thresholds that are as good the highest is chosen.

    Args:
        ranking: float64 (n, classes), the higher, the likelier.
        targets: true class numbers (n,).
        classes: names by number.
        criterion: what is best.

    Returns:
        None for a class without images, and where none reaches what is wanted, or to take no
        image for the class costs least.
    """
    return {
        name: fit_threshold(ranking[:, number], targets == number, criterion)
        for number, name in enumerate(classes)
    }


def fit_threshold(
    scores: Floats, of_class: npt.NDArray[np.bool_], criterion: Criterion
) -> float | None:
    """The best threshold of one class or label, as `fit_thresholds` finds it.

    Args:
        scores: float64 (n,), the higher, the likelier.
        of_class: bool (n,), which images are of it.
        criterion: what is best.
    """
    images = int(of_class.sum())
    if not images:
        return None
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    # Images of the same score are taken together: only the last of them is a place to cut.
    cuts = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    hits = np.cumsum(of_class[order])[cuts]
    taken = cuts + 1
    if criterion.name == "f1":
        best = int(np.argmax(2 * hits / (taken + images)))
    elif criterion.name == "precision":
        reached = hits / taken >= criterion.numbers[0]
        if not (reached & (hits > 0)).any():
            return None
        best = int(np.argmax(np.where(reached, hits, -1)))
    elif criterion.name == "recall":
        best = int(np.argmax(hits / images >= criterion.numbers[0]))
    else:
        false_positive, false_negative = criterion.numbers
        costs = false_positive * (taken - hits) + false_negative * (images - hits)
        best = int(np.argmin(costs))
        if costs[best] >= false_negative * images:
            return None
    last = ranked[cuts[best]]
    lower = ranked[cuts[best] + 1] if best + 1 < len(cuts) else last
    return float(last + (lower - last) / 2)


def decide(
    ranking: Floats, classes: Sequence[str], thresholds: Mapping[str, float | None]
) -> Numbers:
    """The likeliest class of those that an image reaches the threshold of, -1 for none.

    Args:
        ranking: float64 (n, classes), as the thresholds were fitted on.
        classes: names by number.
        thresholds: by class name.

    Returns:
        int64 (n,).
    """
    reaches = reached(ranking, classes, thresholds)
    likeliest = np.where(reaches, ranking, -np.inf).argmax(axis=1)
    return np.where(reaches.any(axis=1), likeliest, -1)


def reached(
    ranking: Floats, classes: Sequence[str], thresholds: Mapping[str, float | None]
) -> npt.NDArray[np.bool_]:
    """Which thresholds each image reaches, (n, classes)."""
    least: Any = [thresholds[name] for name in classes]
    found: npt.NDArray[np.bool_] = ranking >= np.array(
        [math.inf if each is None else each for each in least]
    )
    return found
