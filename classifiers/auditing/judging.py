"""What a linear head that has not seen an image says of its class."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.data.folds import Fold, cut
from classifiers.data.memory import MemoryBudget
from classifiers.searching.fold_paths import prepare, steps
from pipelines.system.cores import usable_cores

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

FOLDS = 5

STRENGTHS = tuple(float(f"{c:.6g}") for c in np.geomspace(1e-5, 1e-1, 9))
"""Values of C of which the one with the lowest log loss out of fold is taken."""

MOST_FITTED = 40_000
"""Rows that a fold is fitted on, drawn at random: more do not change a line through 512 channels
much, and are held as float64."""

HELD_A_FOLD = 5
"""Matrices of float64 of a fold's rows that are held at once, at most."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of n images.

    Attributes:
        probabilities: float64 (n, classes); NaN where no fit may judge.
        strength: the value of C.
        accuracy: share of the images learned from that are said to be what their labels say, by
            heads that did not see them.
    """

    probabilities: Floats
    strength: float
    accuracy: float


def fold_bytes(learned: npt.NDArray[np.bool_], length: int) -> int:
    """What a fold takes, in bytes; arguments as in `judge_unseen`."""
    inside = int(learned.sum())
    rows = min(inside, MOST_FITTED) + -(-inside // FOLDS) + len(learned) - inside
    return 8 * HELD_A_FOLD * rows * length


def judge_unseen(
    features: npt.NDArray[np.float32],
    targets: Places,
    units: Places,
    learned: npt.NDArray[np.bool_],
    classes: int,
    seed: int,
    budget: MemoryBudget,
) -> Judged:
    """Judge each image by logistic regressions that saw neither it nor what belongs to it.

    Images that are learned from are cut into folds, and judged by the fit of the others. The rest
    is judged by the mean of all fits, but those that learned from something of the same unit.

    Args:
        features: float32 (n, length).
        targets: int64 (n,), class numbers.
        units: int64 (n,), equal for images that belong together.
        learned: bool (n,), which images are learned from: of each class in `FOLDS` units or more.
        classes: how many.
        seed: of the folds.
        budget: of at least `fold_bytes`, decides how many folds are fitted at once.
    """
    from threadpoolctl import threadpool_limits

    inside, outside = np.flatnonzero(learned), np.flatnonzero(~learned)
    every = np.ones(len(inside), bool)
    found = cut(targets[inside], units[inside], every, FOLDS, seed)
    folds = [_with_outside(fold, inside, outside, units, seed) for fold in found]
    sums = np.zeros((len(STRENGTHS), len(targets), classes))
    times = np.zeros(len(targets), np.int64)

    def work(fold: Fold) -> list[Floats]:
        data = prepare(features, targets, fold, "standardise", np.ones(classes))
        return [_log_probabilities(scores) for scores, _ in steps("logistic", data, STRENGTHS)]

    at_once = budget.size // fold_bytes(learned, features.shape[1])
    workers = max(1, min(usable_cores(), FOLDS, at_once))
    blas = None if workers == 1 else 1
    with threadpool_limits(blas, user_api="blas"), ThreadPoolExecutor(workers) as threads:
        for fold, paths in zip(folds, threads.map(work, folds), strict=True):
            for number, logarithms in enumerate(paths):
                sums[number, fold.test] += logarithms
            times[fold.test] += 1
    # What only fits that learned from its own kind could judge is judged by none.
    with np.errstate(invalid="ignore"):
        sums /= times[:, None]
    losses = [-float(np.mean(_own(each, targets)[inside])) for each in sums]
    best = int(np.argmin(losses))
    probabilities = np.exp(sums[best])
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    right = probabilities[inside].argmax(axis=1) == targets[inside]
    return Judged(probabilities, STRENGTHS[best], float(right.mean()))


def _with_outside(fold: Fold, inside: Places, outside: Places, units: Places, seed: int) -> Fold:
    train = inside[fold.train]
    unseen = outside[~np.isin(units[outside], units[train])]
    if len(train) > MOST_FITTED:
        draw = np.random.default_rng(seed).choice(len(train), MOST_FITTED, replace=False)
        train = train[np.sort(draw)]
    return Fold(train, np.concatenate([inside[fold.test], unseen]))


def _log_probabilities(scores: Floats) -> Floats:
    """Logarithms (m, classes) of the probabilities that scores, as `steps` gives them, mean."""
    if scores.shape[1] == 1:
        scores = np.column_stack([np.zeros(len(scores)), scores])
    shifted = scores - scores.max(axis=1, keepdims=True)
    logarithms: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logarithms


def _own(values: Floats, targets: Sequence[int] | Places) -> Floats:
    own: Floats = values[np.arange(len(values)), targets]
    return own
