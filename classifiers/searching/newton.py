"""Linear classifiers over a path of C, by Newton's method on the rows' inner products.

With fewer rows than features the weights are a sum of rows, w = Z^T a, so that everything can be
said by the Gram matrix K = Z Z^T, which is made once for all values of C. A step solves a system
of as many unknowns as there are rows (Rasmussen and Williams, "Gaussian Processes for Machine
Learning", 2006, section 3.4, for the logistic loss; Chapelle, "Training a Support Vector Machine
in the Primal", 2007, for the hinge).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

TOLERANCE = 1e-6
"""Length of the objective's gradient at which a search ends, as a share of that of the weights."""

STEPS = 200
HALVINGS = 40


class Curve(NamedTuple):
    """A loss at margins (n,): its values, slopes and second derivatives, float64 (n,) each."""

    value: Floats
    slope: Floats
    bend: Floats


def logistic(margins: Floats) -> Curve:
    """The logistic loss ln(1 + exp(-m))."""
    from scipy.special import expit

    other = expit(-margins)
    return Curve(np.logaddexp(0.0, -margins), -other, other * (1.0 - other))


def squared_hinge(margins: Floats) -> Curve:
    """The loss max(0, 1 - m)^2."""
    missing = np.maximum(0.0, 1.0 - margins)
    return Curve(np.square(missing), -2.0 * missing, np.where(missing > 0.0, 2.0, 0.0))


@dataclass(frozen=True, slots=True)
class Problem:
    """Two classes to be told apart: minimise |w|^2 / 2 + C sum(weight loss(sign (w z + b))).

    Attributes:
        gram: float64 (n, n), inner products of the rows.
        signs: float64 (n,), 1 or -1.
        weights: float64 (n,), of the rows.
        curve: the loss.
        free_intercept: whether b is free; else there is none, and a 1 in every row stands for it.
    """

    gram: Floats
    signs: Floats
    weights: Floats
    curve: Callable[[Floats], Curve]
    free_intercept: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the search.

    Attributes:
        sums: float64 (n,), a of w = Z^T a.
        intercept: b.
        converged: whether the tolerance is reached there.
    """

    sums: Floats
    intercept: float
    converged: bool = False


def path(problem: Problem, strengths: Sequence[float]) -> Iterator[Point]:
    """The minimum at each C, ascending, each search from where the last one ended."""
    point = Point(np.zeros(len(problem.signs)), 0.0)
    for c in strengths:
        point = _minimum(problem, c, point)
        yield point


def _minimum(problem: Problem, c: float, start: Point) -> Point:
    gram, signs, weights = problem.gram, problem.signs, c * problem.weights
    sums, intercept = start.sums, start.intercept
    reached = gram @ sums
    for _ in range(STEPS):
        scores = reached + intercept
        found = problem.curve(signs * scores)
        slope, bend = weights * signs * found.slope, weights * found.bend
        length = float(sums @ reached)
        off = sums + slope
        steep = float(off @ (gram @ off))
        drift = abs(slope.sum()) if problem.free_intercept else 0.0
        if steep <= TOLERANCE**2 * length and drift <= TOLERANCE * np.abs(slope).sum():
            return Point(sums, intercept, True)
        aim = _aim(problem, scores, slope, bend)
        if aim is None:
            break
        sums_step, step = aim.sums - sums, aim.intercept - intercept
        reached_step = gram @ sums_step
        cross, square = float(sums_step @ reached), float(sums_step @ reached_step)
        value = 0.5 * length + float(weights @ found.value)
        downhill = cross + float(slope @ (reached_step + step))
        share = 1.0
        for _ in range(HALVINGS):
            losses = problem.curve(signs * (scores + share * (reached_step + step))).value
            there = 0.5 * (length + share * (2 * cross + share * square)) + float(weights @ losses)
            if there <= value + 1e-4 * share * downhill:
                break
            share /= 2
        else:
            # No step goes down any more: rounding is all that is left of the gradient, or too much.
            return Point(sums, intercept, steep <= (100 * TOLERANCE) ** 2 * length)
        sums, intercept = sums + share * sums_step, intercept + share * step
        reached = reached + share * reached_step
    return Point(sums, intercept)


def _aim(problem: Problem, scores: Floats, slope: Floats, bend: Floats) -> Point | None:
    """Where the objective's parabola at these scores is lowest; None where it has no floor."""
    from scipy.linalg import cho_factor, cho_solve

    bent = np.flatnonzero(bend > 0.0)
    root = np.sqrt(bend[bent])
    part = problem.gram if len(bent) == len(bend) else problem.gram[np.ix_(bent, bent)]
    system = part * root[:, None]
    system *= root
    system[np.diag_indices_from(system)] += 1.0
    factor = cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
    sums = -slope
    sums[bent] = 0.0
    right = root * scores[bent] - slope[bent] / root
    if sums.any():
        right -= root * (problem.gram[bent] @ sums)
    pair = np.column_stack([right, root]) if problem.free_intercept else right[:, None]
    solved = root[:, None] * cho_solve(factor, pair, check_finite=False)
    sums[bent] = solved[:, 0]
    if not problem.free_intercept:
        return Point(sums, 0.0)
    held = float(solved[:, 1].sum())
    if held <= 0.0:
        return None
    intercept = float(sums.sum()) / held
    sums[bent] -= intercept * solved[:, 1]
    return Point(sums, intercept)
