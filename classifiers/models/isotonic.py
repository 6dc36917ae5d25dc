"""Calibration of any shape that only has to rise: isotonic regression, kept as plain points."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Curve = tuple[tuple[float, float], ...]
"""Points (score, probability), the scores ascending; between two there is a straight line."""


def fit_curves(scores: Floats, targets: Numbers) -> tuple[Curve, ...]:
    """The rising curve of least squares from each class's score to its share (Zadrozny 2002).

    No probability is nearer to 0 or 1 than Platt's smoothed targets are, since a curve alone would
    call what was never seen impossible, and the log loss of that is infinite.

    Args:
        scores: float64 (n, classes); of two classes the second's alone is used.
        targets: true class numbers (n,).
    """
    numbers = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    return tuple(_fit_curve(scores[:, k], targets == k) for k in numbers)


def _fit_curve(scores: Floats, of_class: npt.NDArray[np.bool_]) -> Curve:
    from sklearn.isotonic import IsotonicRegression

    inside, outside = int(of_class.sum()), int((~of_class).sum())
    least, greatest = 1 / (outside + 2), (inside + 1) / (inside + 2)
    fitted = IsotonicRegression(y_min=least, y_max=greatest).fit(scores, of_class.astype(float))
    points = zip(fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist(), strict=True)
    return tuple(points)


def curve_logits(scores: Floats, curves: Sequence[Curve]) -> Floats:
    """What the curves make of scores, as logits that `Judgement.of_logits` takes.

    Args:
        scores: float64 (n, classes).
        curves: as `fit_curves` makes them.

    Returns:
        Float64 (n, 1), the log odds of the second of two classes; or (n, classes), logarithms of
        probabilities, which of more classes are divided by their sum.
    """
    used = scores[:, 1:] if len(curves) == 1 else scores
    shares = np.column_stack(
        [
            np.interp(used[:, k], *np.array(curve, np.float64).T)  # flat beyond its ends
            for k, curve in enumerate(curves)
        ]
    )
    logarithms: Floats = np.log(shares)
    return logarithms if len(curves) > 1 else logarithms - np.log1p(-shares)


def check_curves(curves: Sequence[Curve], classes: int) -> None:
    """Hold curves that a card was read with against what `fit_curves` makes.

    Raises:
        ValueError: they are none; one line says how.
    """
    wanted = 1 if classes == 2 else classes
    if len(curves) != wanted:
        raise ValueError(f"it has {len(curves)} isotonic curves for {classes} classes")
    for curve in curves:
        if not curve or not np.isfinite(curve).all():
            raise ValueError("one of its isotonic curves is no finite points")
        if any(a[0] >= b[0] or a[1] > b[1] for a, b in pairwise(curve)):
            raise ValueError("one of its isotonic curves does not rise")
        if not 0.0 < curve[0][1] <= curve[-1][1] < 1.0:
            raise ValueError("one of its isotonic curves leaves the numbers between 0 and 1")
