"""Linear classifiers over a path of C, by L-BFGS on the weights along the features' main axes.

Along these axes (those of a principal component analysis) the curvature of the objective is known
but for a factor, s_j times that of the loss plus 1 / C. Weights in units of its root make
L-BFGS need tens of steps where it would need thousands.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.heads.losses import Floats, Loss, Targets

OPTIONS = {"maxiter": 1000, "maxfun": 3000, "maxls": 50, "gtol": 1e-6, "ftol": 0.0}
"""`gtol` is in the units above, in which the objective is off by half the gradient's square."""

SLACK = 1e-4
"""Largest component of the gradient at which a search that rounding ended has converged too."""


@dataclass(frozen=True, slots=True)
class Axes:
    """Rows along the main axes.

    Attributes:
        train: float64 (n, r).
        test: float64 (m, r).
        squares: float64 (r,), sum of the squares of each column of `train`.
    """

    train: Floats
    test: Floats
    squares: Floats


@dataclass(frozen=True, slots=True)
class Problem:
    """Minimise sum(loss(w z + b)) + |w|^2 / (2 C).

    Attributes:
        axes: the rows.
        targets: int64 (n,).
        class_weight: float64 (classes,).
        loss: of the rows.
        bend: greatest second derivative of the loss.
        free_intercept: whether there is a b.
    """

    axes: Axes
    targets: Targets
    class_weight: Floats
    loss: Loss
    bend: float
    free_intercept: bool


def axes_of_features(train: Floats, test: Floats, with_ones: bool) -> Axes:
    """The main axes of features.

    Args:
        train: (n, length).
        test: (m, length).
        with_ones: whether every row gets one more feature, which is 1; otherwise features are
            centred, which changes the intercept alone.
    """
    from scipy.linalg import eigh

    if with_ones:
        train, test = (np.column_stack([each, np.ones(len(each))]) for each in (train, test))
    else:
        mean = train.mean(axis=0)
        train, test = train - mean, test - mean
    squares, vectors = eigh(train.T @ train, check_finite=False)
    return Axes(train @ vectors, test @ vectors, np.maximum(squares, 0.0))


def axes_of_products(train: Floats, test: Floats, with_ones: bool) -> Axes:
    """The main axes of rows whose inner products are known.

    Args:
        train: (n, n), of the training rows.
        test: (m, n), of test and training rows.
        with_ones: as `axes_of_features` has it.
    """
    from scipy.linalg import eigh

    if with_ones:
        train, test = train + 1.0, test + 1.0
    else:
        mean = train.mean(axis=0)
        train, test = (
            each - mean - each.mean(axis=1, keepdims=True) + mean.mean() for each in (train, test)
        )
    squares, vectors = eigh(train, check_finite=False)
    kept = squares > max(squares[-1], 0.0) * len(squares) * np.finfo(float).eps
    squares, vectors = squares[kept], vectors[:, kept]
    roots = np.sqrt(squares)
    return Axes(vectors * roots, test @ (vectors / roots), squares)


def path(problem: Problem, strengths: Sequence[float]) -> Iterator[tuple[Floats, bool]]:
    """Scores (m, K) of the test rows at each C, ascending, and whether the search converged."""
    from scipy.optimize import minimize

    axes = problem.axes
    rows, length = axes.train.shape
    classes = len(problem.class_weight)
    weights = np.zeros((1 if classes == 2 else classes, length))
    intercepts = np.zeros(len(weights))
    for c in strengths:
        units = 1.0 / np.sqrt(problem.bend * axes.squares + 1.0 / c)
        unit = 1.0 / np.sqrt(problem.bend * rows) if problem.free_intercept else 0.0

        def evaluate(flat: Floats, units: Floats, unit: float, c: float) -> tuple[float, Floats]:
            at = flat.reshape(-1, length + 1)
            scaled = at[:, :-1] * units
            scores = axes.train @ scaled.T + at[:, -1] * unit
            value, slope = problem.loss(scores, problem.targets, problem.class_weight)
            value += 0.5 * float(np.square(scaled).sum()) / c
            gradient = (slope.T @ axes.train + scaled / c) * units
            return value, np.column_stack([gradient, slope.sum(axis=0) * unit]).ravel()

        start = np.column_stack([weights / units, intercepts / (unit or 1.0)]).ravel()
        found = minimize(
            evaluate, start, (units, unit, c), method="L-BFGS-B", jac=True, options=OPTIONS
        )
        at = found.x.reshape(-1, length + 1)
        weights, intercepts = at[:, :-1] * units, at[:, -1] * unit
        converged = bool(found.nit < OPTIONS["maxiter"] and np.abs(found.jac).max() <= SLACK)
        yield axes.test @ weights.T + intercepts, converged
