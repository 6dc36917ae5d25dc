"""How well each setting did, which is best, and which are as good as that."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.searching.settings import Setting


@dataclass(frozen=True, slots=True)
class Finding:
    """How well a setting did.

    Attributes:
        setting: the setting.
        accuracies: of each fold.
        mean: over the folds.
        error: standard error of the mean.
        converged: whether the fit of every fold did.
    """

    setting: Setting
    accuracies: tuple[float, ...]
    mean: float
    error: float
    converged: bool


def finding(setting: Setting, accuracies: Sequence[float], converged: bool, images: int) -> Finding:
    """Sum up the folds of a setting.

    Of several folds the standard error is that of their mean; of one it is that of a share of so
    many `images`.
    """
    # Rounded, so that equal means are equal whatever the order of their folds.
    mean = round(float(np.mean(accuracies)), 12)
    if len(accuracies) > 1:
        error = float(np.std(accuracies, ddof=1)) / math.sqrt(len(accuracies))
    else:
        error = math.sqrt(mean * (1.0 - mean) / images)
    return Finding(setting, tuple(accuracies), mean, error, converged)


def best_of(findings: Sequence[Finding]) -> Finding:
    """The highest mean; of several the strongest regularisation, and of those the first."""
    return max(findings, key=lambda each: (each.mean, -_weakness(each)))


def as_good(findings: Sequence[Finding]) -> list[Finding]:
    """Those within one standard error of the best, the best first."""
    best = best_of(findings)
    near = [each for each in findings if each.mean >= best.mean - best.error]
    return sorted(near, key=lambda each: (each is not best, -each.mean, _weakness(each)))


def _weakness(each: Finding) -> float:
    return each.setting.values.get("C", math.inf)
