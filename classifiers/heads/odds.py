"""Log odds of classes from logits: what probabilities are kept as, since they do not saturate."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def log_odds(logits: npt.NDArray[np.floating]) -> Floats:
    """Log odds ln(p / (1 - p)) of each class's probability p under softmax, or sigmoid.

    Rows compare as by p, and p of 1 - 1e-300 and 1 - 1e-310 stay apart.

    Args:
        logits: (n, classes), or (n, 1) or (n,) of the second of two classes; a row with NaN has
            odds of NaN.

    Returns:
        float64 (n, classes), two classes for one logit.
    """
    from scipy.special import logsumexp

    values = np.asarray(logits, np.float64)
    if values.ndim == 1 or values.shape[1] == 1:
        values = values.reshape(-1)
        return np.column_stack([-values, values])
    rows, likeliest = np.arange(len(values)), values.argmax(axis=1)
    highest = values[rows, likeliest]
    with np.errstate(invalid="ignore"):
        others = values - highest[:, None]
        others[rows, likeliest] = -np.inf
        against = logsumexp(others, axis=1)  # ln((1 - p) / p) of the likeliest
        # Of any other class p is at most a half, where 1 - p loses nothing.
        logarithms = others - np.logaddexp(0.0, against)[:, None]
        odds: Floats = logarithms - np.log1p(-np.exp(logarithms))
    odds[rows, likeliest] = -against
    return odds


def probability(odds: Floats) -> Floats:
    """The probabilities of log odds, float64, of the same shape."""
    from scipy.special import expit

    probabilities: Floats = expit(odds)
    return probabilities
