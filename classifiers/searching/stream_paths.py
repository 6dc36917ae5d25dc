"""The linear heads over paths of C on rows that stay in the table, in passes that all fits share.

A fit is L-BFGS, each C from where the last one ended, in units in which the objective bends alike
along every feature. It ends at the gradient at which `train` and scikit-learn end.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifiers.heads.losses import Floats, Loss, half_square, log_loss, squared_hinge
from classifiers.heads.passes import TOLERANCE
from classifiers.searching.lockstep import Lockstep
from classifiers.searching.outcomes import Outcome
from classifiers.searching.stream_passes import Moments, Slope, Weights

STEPS = 200
"""Iterations at most at each C."""

SLACK = 100.0
"""How much steeper it may be where rounding ended a fit, which has converged all the same."""

CORRECTIONS = 10
"""Pairs of vectors that L-BFGS remembers."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A head's fits on the training rows of a fold.

    Attributes:
        place: of the fold.
        scaler: what is done to features first.
        moments: of the training rows.
        loss: of a row.
        bend: greatest second derivative of the loss.
        free_intercept: whether the intercept is not regularised.
        columns: scores of a row.
        tested: test rows.
    """

    place: int
    scaler: str
    moments: Moments
    loss: Loss
    bend: float
    free_intercept: bool
    columns: int
    tested: int


LOSSES: dict[str, tuple[Loss, float]] = {
    "logistic": (log_loss, 0.25),
    "linear_svm": (squared_hinge, 2.0),
    "ridge": (half_square, 1.0),
}
"""What each head minimises, and its greatest second derivative."""


def follow(
    fit: Fit, strengths: Sequence[float], ask: Callable[[Weights], Slope]
) -> Iterator[Outcome]:
    """The accuracy at each C, ascending.

    Args:
        fit: the fit.
        strengths: values of C.
        ask: gives losses and gradients at a point.
    """
    from scipy.optimize import minimize

    centre, scale, squares = _scaling(fit)
    size = (fit.columns, len(centre))
    weights, intercepts = np.zeros(size), np.zeros(fit.columns)
    length = fit.moments.count
    steep = TOLERANCE * np.sqrt(length / fit.bend)
    for c in strengths:
        units = 1.0 / np.sqrt(fit.bend * squares + 1.0 / c)
        held = 0.0 if fit.free_intercept else 1.0 / c
        unit = 1.0 / np.sqrt(fit.bend * length + held)
        best: tuple[float, Slope, Floats] | None = None

        def evaluate(
            flat: Floats, c: float, units: Floats, held: float, unit: float
        ) -> tuple[float, Floats]:
            nonlocal best
            at = flat.reshape(fit.columns, -1)
            scaled, shift = at[:, :-1] * units, at[:, -1] * unit
            raw = scaled / scale
            point = Weights(fit.place, fit.scaler == "l2", fit.loss, raw, shift - raw @ centre)
            found = ask(point)
            value = found.value + 0.5 * float(np.square(scaled).sum()) / c
            value += 0.5 * held * float(np.square(shift).sum())
            if best is None or value < best[0]:
                best = value, found, flat.copy()
            slope = (found.products - np.outer(found.sums, centre)) / scale + scaled / c
            across = found.sums + held * shift
            return value, np.column_stack([slope * units, across * unit]).ravel()

        found: Any = minimize(
            evaluate,
            np.column_stack([weights / units, intercepts / unit]).ravel(),
            args=(c, units, held, unit),
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": STEPS,
                "maxcor": CORRECTIONS,
                "maxls": 50,
                "gtol": steep,
                "ftol": 64 * np.finfo(float).eps,
            },
        )
        assert best is not None
        at = best[2].reshape(fit.columns, -1)
        weights, intercepts = at[:, :-1] * units, at[:, -1] * unit
        ended = found.success or np.abs(found.jac).max() <= SLACK * steep
        yield Outcome(best[1].right / fit.tested, bool(ended and found.nit < STEPS))


def follow_all(
    fits: Sequence[tuple[Fit, Sequence[float], Callable[[Outcome], None]]],
    passes: Callable[[Sequence[Weights]], Sequence[Slope]],
) -> None:
    """Follow several paths at once, in shared passes.

    Args:
        fits: each with its values of C, and what takes the outcome at each as soon as it is there.
        passes: makes one pass.
    """

    def search(
        fit: Fit, strengths: Sequence[float], take: Callable[[Outcome], None]
    ) -> Callable[[Callable[[Weights], Slope]], None]:
        def run(ask: Callable[[Weights], Slope]) -> None:
            for found in follow(fit, strengths, ask):
                take(found)

        return run

    Lockstep(passes).run([search(*each) for each in fits])


def fit_bytes(columns: int, length: int) -> int:
    """What one fit takes in memory: L-BFGS's vectors, and its share of a pass."""
    return 8 * columns * length * (2 * CORRECTIONS + 20)


def _scaling(fit: Fit) -> tuple[Floats, Floats, Floats]:
    """What is taken off features, what they are divided by, and what their squares sum up to."""
    known = fit.moments
    scale = np.ones(len(known.mean))
    if fit.scaler == "standardise":
        spread = np.sqrt(known.squares / known.count)
        scale = np.where(spread > 0.0, spread, 1.0)
    # Centring changes the intercept alone, where that is free; elsewhere it changes the problem.
    centred = fit.scaler == "standardise" or fit.free_intercept
    centre = known.mean if centred else np.zeros(len(known.mean))
    squares = known.squares + (0.0 if centred else known.count * np.square(known.mean))
    return centre, scale, squares / np.square(scale)


def columns_of(classes: int) -> int:
    """Scores of a row: one of two classes, which is the second's, else one a class."""
    return 1 if classes == 2 else classes
