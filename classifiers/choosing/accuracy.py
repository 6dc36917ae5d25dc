"""How well a linear head tells classes apart by some features: accuracies over folds."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.data.folds import Fold
from classifiers.data.pooled import AS_STORED
from classifiers.heads.losses import Targets
from classifiers.heads.scikit import STANDARDISE
from classifiers.searching.findings import Finding, best_of, finding
from classifiers.searching.fold_paths import FoldData, outcomes
from classifiers.searching.settings import Setting

HEAD = "logistic"

BLOCK = 4096
"""Features that are standardised at once."""


@dataclass(frozen=True, slots=True)
class Question:
    """What all features are asked.

    Attributes:
        targets: int64 (n,), class numbers of the images.
        classes: how many there are.
        folds: the same for all features.
        strengths: values of C, ascending; the best is taken.
    """

    targets: Targets
    classes: int
    folds: tuple[Fold, ...]
    strengths: tuple[float, ...]


def best_linear_head(features: npt.NDArray[np.float32], question: Question) -> Finding:
    """The best C of logistic regression on standardised features, and how well it does.

    Args:
        features: float32 (n, length).
        question: what is asked of them.
    """

    def one(fold: Fold) -> Sequence[tuple[float, bool]]:
        held = standardised(features, fold, question)
        found = outcomes(HEAD, held, question.strengths)
        return [(each.accuracy, each.converged) for each in found]

    with ThreadPoolExecutor(2) as threads:
        paths = list(threads.map(one, question.folds))
    findings = []
    for number, c in enumerate(question.strengths):
        accuracies = [path[number][0] for path in paths]
        converged = all(path[number][1] for path in paths)
        setting = Setting(HEAD, AS_STORED, STANDARDISE, {"C": c})
        findings.append(finding(setting, accuracies, converged, len(question.targets)))
    return best_of(findings)


def standardised(features: npt.NDArray[np.float32], fold: Fold, question: Question) -> FoldData:
    """A fold scaled by its training part, a block of features at a time.

    A map of an early layer has hundreds of thousands of features: of more features than rows only
    the inner products of rows are kept.

    Args:
        features: float32 (n, length).
        fold: which rows are fitted on, and which scored.
        question: what is asked of them.
    """
    length = features.shape[1]
    by_rows = len(fold.train) <= length
    inner = np.zeros((len(fold.train), len(fold.train) if by_rows else length))
    across = np.zeros((len(fold.test), inner.shape[1]))
    for start in range(0, length, BLOCK):
        block = slice(start, min(start + BLOCK, length))
        train, test = features[fold.train, block], features[fold.test, block]
        mean = train.mean(axis=0, dtype=np.float64)
        spread = train.std(axis=0, dtype=np.float64)
        spread[(train == train[0]).all(axis=0)] = 1.0
        train, test = ((part - mean) / spread for part in (train, test))
        if by_rows:
            single = train.astype(np.float32)
            inner += single @ single.T
            across += test.astype(np.float32) @ single.T
        else:
            inner[:, block], across[:, block] = train, test
    weight = np.ones(question.classes)
    targets, expected = question.targets[fold.train], question.targets[fold.test]
    return FoldData(inner, across, by_rows, targets, expected, weight)
