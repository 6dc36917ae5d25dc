"""Fitting a linear classifier to more features than fit into memory, in passes over all rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.data.training_set import StreamedSet
from classifiers.heads.losses import Floats, Loss, Targets
from pipelines.cli import log

TOLERANCE = 1e-4
"""Largest component of the mean loss's gradient at which the search ends, as scikit-learn has it
for logistic regression."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What is minimised: the rows' weighted losses / `total` + `strength` / 2 |W|^2.

    W are the weights of standardised features.

    Attributes:
        loss: of a row.
        class_weight: float64 (classes,).
        total: what the sum of the losses is divided by.
        strength: of the regularisation.
        holds_intercept: whether the intercept is regularised too, as LIBLINEAR does.
    """

    loss: Loss
    class_weight: Floats
    total: float
    strength: float
    holds_intercept: bool


@dataclass(frozen=True, slots=True)
class Solution:
    """A minimum.

    Attributes:
        weights: float64 (K, length), of standardised features.
        intercepts: float64 (K,).
        iterations: of L-BFGS.
        passes: over all rows.
        converged: whether the tolerance was reached.
    """

    weights: Floats
    intercepts: Floats
    iterations: int
    passes: int
    converged: bool


def minimise(
    train: StreamedSet, mean: Floats, scale: Floats, objective: Objective, most: int
) -> Solution:
    """Minimise an objective by L-BFGS; each evaluation is one pass over all rows.

    L-BFGS is given the loss and gradient of all rows, so it finds the minimum that it would find
    with the features in memory (Liu and Nocedal, "On the limited memory BFGS method", 1989). The
    sums over batches are float64; within a batch they are float32, like the features.

    Args:
        train: the rows.
        mean: float64 (length,), by which features are standardised.
        scale: float64 (length,), likewise; above 0.
        objective: what to minimise.
        most: iterations at most.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    classes = len(objective.class_weight)
    shape = (1 if classes == 2 else classes, len(mean))
    passes = 0

    def evaluate(point: Floats) -> tuple[float, Floats]:
        nonlocal passes
        passes += 1
        value, gradient = _pass(train, mean, scale, objective, point.reshape(shape[0], -1))
        log(f"pass {passes}  objective {value:.6f}")
        return value, gradient.reshape(-1)

    # The threads that decode also multiply; BLAS's own would only get in their way.
    with threadpool_limits(1, user_api="blas"):
        found: Any = minimize(
            evaluate,
            np.zeros(shape[0] * (shape[1] + 1)),
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": most,
                "maxls": 50,
                "gtol": TOLERANCE,
                "ftol": 64 * np.finfo(float).eps,
            },
        )
    point = found.x.reshape(shape[0], -1)
    return Solution(
        weights=point[:, :-1],
        intercepts=point[:, -1],
        iterations=int(found.nit),
        passes=passes,
        converged=bool(found.success),
    )


def _pass(
    train: StreamedSet, mean: Floats, scale: Floats, objective: Objective, point: Floats
) -> tuple[float, Floats]:
    """The objective and its gradient (K, length + 1) at weights and intercept (K, length + 1)."""
    weights, intercepts = point[:, :-1], point[:, -1]
    # ((x - mean) / scale) w + b, without a standardised copy of the features
    raw = weights / scale
    shift = intercepts - raw @ mean
    raw32 = np.ascontiguousarray(raw.T, np.float32)

    def work(
        features: npt.NDArray[np.float32], targets: Targets
    ) -> tuple[float, Floats, npt.NDArray[np.float32]]:
        scores = (features @ raw32).astype(np.float64) + shift
        loss, slope = objective.loss(scores, targets, objective.class_weight)
        return loss, slope.sum(axis=0), slope.T.astype(np.float32) @ features

    value, slopes, products = 0.0, np.zeros(len(point)), np.zeros_like(weights)
    for loss, slope, product in train.map(work):
        value += loss
        slopes += slope
        products += product
    held = point if objective.holds_intercept else weights
    value = value / objective.total + 0.5 * objective.strength * float(np.square(held).sum())
    gradient = np.column_stack([(products - np.outer(slopes, mean)) / scale, slopes])
    gradient /= objective.total
    gradient[:, : held.shape[1]] += objective.strength * held
    return value, gradient
