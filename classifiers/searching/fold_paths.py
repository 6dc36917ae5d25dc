"""The accuracy of the linear heads on one fold, over a path of C."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.data.folds import Fold
from classifiers.heads import losses
from classifiers.heads.losses import Floats, Targets
from classifiers.heads.scikit import make_scaler
from classifiers.searching import descent, newton, ridge
from classifiers.searching.outcomes import Outcome

BLOCK = 1024
"""Features that are turned into float64 at once."""


@dataclass(frozen=True, slots=True)
class FoldData:
    """A fold, scaled by what its training part is like; heads and all values of C share it.

    Attributes:
        train: float64 (n, n) inner products of the training rows, or (n, length) their features.
        test: float64 (m, n) or (m, length), likewise of the test rows.
        by_rows: whether these are inner products.
        targets: int64 (n,) of the training rows.
        expected: int64 (m,) of the test rows.
        class_weight: float64 (classes,).
    """

    train: Floats
    test: Floats
    by_rows: bool
    targets: Targets
    expected: Targets
    class_weight: Floats


def prepare(
    features: npt.NDArray[np.float32],
    targets: Targets,
    fold: Fold,
    scaler: str,
    class_weight: Floats,
) -> FoldData:
    """Scale a fold, and take the smaller of features and inner products.

    Args:
        features: float32 (rows, length), of all folds.
        targets: int64 (rows,).
        fold: the rows of the fold.
        scaler: "standardise", "l2" or "none".
        class_weight: float64 (classes,).
    """
    train, test = features[fold.train], features[fold.test]
    scale = make_scaler(scaler)
    if scale is not None:
        train = scale.fit_transform(train)
        test = scale.transform(test)
    by_rows = len(train) <= train.shape[1]
    if by_rows:
        inner = np.zeros((len(train), len(train)))
        across = np.zeros((len(test), len(train)))
        for start in range(0, train.shape[1], BLOCK):
            block = train[:, start : start + BLOCK].astype(np.float64)
            inner += block @ block.T
            across += test[:, start : start + BLOCK].astype(np.float64) @ block.T
    else:
        inner, across = train.astype(np.float64), test.astype(np.float64)
    return FoldData(inner, across, by_rows, targets[fold.train], targets[fold.test], class_weight)


Step = tuple[Floats, bool]
"""Scores (m, K) of the test rows, and whether the fit converged."""


def steps(head: str, fold: FoldData, strengths: Sequence[float]) -> Iterator[Step]:
    """The scores of the test rows at each C, ascending; of two classes those of the second.

    Args:
        head: "logistic", "linear_svm" or "ridge".
        fold: the fold.
        strengths: values of C, ascending.
    """
    if head == "ridge":
        return _by_decomposition(fold, strengths)
    if fold.by_rows and not (len(fold.class_weight) > 2 and head == "logistic"):
        return _by_newton(head, fold, strengths)
    return _by_descent(head, fold, strengths)


def outcomes(head: str, fold: FoldData, strengths: Sequence[float]) -> list[Outcome]:
    """The accuracy at each C, ascending.

    Args:
        head: "logistic", "linear_svm" or "ridge".
        fold: the fold.
        strengths: values of C, ascending.
    """
    several = len(fold.class_weight) > 2
    found = []
    for scores, converged in steps(head, fold, strengths):
        predicted = scores.argmax(axis=1) if several else (scores[:, 0] > 0.0).astype(np.int64)
        found.append(Outcome(float(np.mean(predicted == fold.expected)), converged))
    return found


def _by_newton(head: str, fold: FoldData, strengths: Sequence[float]) -> Iterator[Step]:
    # LIBLINEAR holds the intercept as the weight of one more feature, which is 1 in every row.
    extra = 1.0 if head == "linear_svm" else 0.0
    curve = newton.squared_hinge if head == "linear_svm" else newton.logistic
    gram, test = fold.train + extra, fold.test + extra
    single = gram.astype(np.float32)
    classes = len(fold.class_weight)
    paths = []
    for number in [1] if classes == 2 else range(classes):
        own = fold.targets == number
        weights = fold.class_weight[fold.targets]
        if classes > 2:
            weights = np.where(own, weights, 1.0)
        signs = np.where(own, 1.0, -1.0)
        problem = newton.Problem(gram, single, signs, weights, curve, head == "logistic")
        paths.append(newton.path(problem, strengths))
    for points in zip(*paths, strict=True):
        scores = [test @ point.sums + point.intercept for point in points]
        yield np.column_stack(scores), all(point.converged for point in points)


def _by_descent(head: str, fold: FoldData, strengths: Sequence[float]) -> Iterator[Step]:
    regular = head == "linear_svm"
    loss = losses.squared_hinge if regular else losses.log_loss
    bend = 2.0 if regular else 0.25
    make = descent.axes_of_products if fold.by_rows else descent.axes_of_features
    axes = make(fold.train, fold.test, regular)
    problem = descent.Problem(axes, fold.targets, fold.class_weight, loss, bend, not regular)
    return descent.path(problem, strengths)


def _by_decomposition(fold: FoldData, strengths: Sequence[float]) -> Iterator[Step]:
    signs = ridge.signs_of(fold.targets, len(fold.class_weight))
    decompose = ridge.of_products if fold.by_rows else ridge.of_features
    found = decompose(fold.train, fold.test, signs, fold.class_weight[fold.targets])
    return ((scores, True) for scores in found.path(strengths))
