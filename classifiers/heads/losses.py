"""Losses of linear classifiers, and their gradients, over a batch of rows.

With K scores a row: one for two classes (the second's), else one a class.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Targets = npt.NDArray[np.int64]

Loss = Callable[[Floats, Targets, Floats], tuple[float, Floats]]
"""Takes scores (n, K), targets (n,) and the weight of each class; gives the sum of the rows'
weighted losses, and its gradient (n, K) by the scores."""


def log_loss(scores: Floats, targets: Targets, class_weight: Floats) -> tuple[float, Floats]:
    """Negative log probability of the true class: sigmoid of one score, softmax of more."""
    weights = class_weight[targets]
    if scores.shape[1] == 1:
        signs = np.where(targets == 1, 1.0, -1.0)
        signed = signs * scores[:, 0]
        of_other = np.exp(-np.logaddexp(0.0, signed))
        total = float(weights @ np.logaddexp(0.0, -signed))
        return total, (-signs * of_other * weights)[:, None]
    rows = np.arange(len(targets))
    shifted = scores - scores.max(axis=1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = np.exp(logarithms)
    gradient[rows, targets] -= 1.0
    return float(-(weights @ logarithms[rows, targets])), gradient * weights[:, None]


def squared_hinge(scores: Floats, targets: Targets, class_weight: Floats) -> tuple[float, Floats]:
    """`max(0, 1 - s score)^2`, with s = 1 for the class of the score and -1 for the others.

    Of three classes or more each stands against the rest, and a class's weight counts where it
    stands alone; in the rest all weigh 1. So does LIBLINEAR (`train` of its linear.cpp).
    """
    if scores.shape[1] == 1:
        is_class = targets[:, None] == 1
        weights = class_weight[targets][:, None]
    else:
        is_class = targets[:, None] == np.arange(scores.shape[1])
        weights = np.where(is_class, class_weight, 1.0)
    signs = np.where(is_class, 1.0, -1.0)
    missing = np.maximum(0.0, 1.0 - signs * scores)
    return float((weights * np.square(missing)).sum()), -2.0 * weights * signs * missing


def half_square(scores: Floats, targets: Targets, class_weight: Floats) -> tuple[float, Floats]:
    """`(s - score)^2 / 2`, with s = 1 for the class of the score and -1 for the others."""
    of_score = [1] if scores.shape[1] == 1 else np.arange(scores.shape[1])
    off = scores - np.where(targets[:, None] == of_score, 1.0, -1.0)
    weighted = class_weight[targets][:, None] * off
    return 0.5 * float((weighted * off).sum()), weighted
