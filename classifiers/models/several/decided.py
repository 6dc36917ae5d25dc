"""From which score on an image has a label, and how that is found on images validated on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.models.thresholds import Criterion, fit_threshold
from pipelines.cli import few, log

SHOWN = 10
"""Labels that a message names."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SeveralLabels:
    """What a card says of a model that gives an image several labels.

    Attributes:
        thresholds: by label, the least log odds, or the least score of a head without
            probabilities, from which on an image has it; None for a label that is never given.
        criterion: how they were chosen, as `--threshold` took it; None where all are 0, a
            probability of a half.
        split: that they were chosen on; None where they are 0.
    """

    thresholds: dict[str, float | None]
    criterion: str | None = None
    split: str | None = None

    def given(self, scores: Floats, labels: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which labels images are given, (n, labels).

        Args:
            scores: float64 (n, labels), as `Opinion.scores`.
            labels: their names.
        """
        found = [self.thresholds[name] for name in labels]
        least = np.array([math.inf if each is None else each for each in found])
        given: npt.NDArray[np.bool_] = scores >= least
        return given


def check_several(found: SeveralLabels, labels: Sequence[str]) -> None:
    """Hold what a card was read with against the card's labels.

    Raises:
        ValueError: it contradicts them, or itself; one line says how.
    """
    if set(found.thresholds) != set(labels):
        raise ValueError("its thresholds are not of its labels")
    if not all(each is None or math.isfinite(each) for each in found.thresholds.values()):
        raise ValueError("its thresholds are no finite numbers")


def fit_label_thresholds(
    scores: Floats,
    marks: npt.NDArray[np.int64],
    labels: Sequence[str],
    split: str,
    criterion: Criterion,
) -> dict[str, float | None]:
    """The best threshold of each label, by its name.

    Args:
        scores: float64 (n, labels), as `Opinion.scores`.
        marks: int64 (n, labels), zeros and ones.
        labels: their names.
        split: what the images are called.
        criterion: what is best.
    """
    found = {
        name: fit_threshold(scores[:, number], marks[:, number] == 1, criterion)
        for number, name in enumerate(labels)
    }
    never = [name for name, value in found.items() if value is None]
    if never:
        log(
            f"--threshold {criterion} is reached by no threshold in split {split!r} for "
            f"{few(never, SHOWN)}, which no image will be given"
        )
    return found
