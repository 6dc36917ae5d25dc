"""Linear classifiers over a path of C, by Newton's method on the rows' inner products.

With fewer rows than features the weights are a sum of rows, w = Z^T a, so that everything can be
said by the Gram matrix K = Z Z^T, which is made once for all values of C. A step solves a system
of as many unknowns as there are rows (Rasmussen and Williams, "Gaussian Processes for Machine
Learning", 2006, section 3.4, for the logistic loss; Chapelle, "Training a Support Vector Machine
in the Primal", 2007, for the hinge).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

TOLERANCE = 1e-6
"""Length of the objective's gradient at which a search ends, as a share of that of the weights."""

STEPS = 200
HALVINGS = 40

STRAIGHT = 1e-12
"""Second derivative, by the row's length squared, under which a loss is taken for a line."""

SINGLE = 1e5
"""Largest condition of a step's system that is solved in float32, in half the time.

The step is then off by a hundredth at most, and what it leaves the next one finds: gradients are
float64 always.
"""


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
        single: the same in float32.
        signs: float64 (n,), 1 or -1.
        weights: float64 (n,), of the rows.
        curve: the loss.
        free_intercept: whether b is free; else there is none, and a 1 in every row stands for it.
    """

    gram: Floats
    single: npt.NDArray[np.float32]
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
        way = _step(problem, sums, off, bend)
        if way is None:
            break
        sums_step, step = way.sums, way.intercept
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


def _step(problem: Problem, sums: Floats, off: Floats, bend: Floats) -> Point | None:
    """The way to where the objective's parabola is lowest; None where it has no floor.

    Args:
        problem: the problem.
        sums: float64 (n,), where the search is.
        off: float64 (n,), by how much these are not the slopes' negatives.
        bend: float64 (n,), second derivatives.
    """
    from scipy.linalg import cho_factor, cho_solve

    weight = bend * problem.gram.diagonal()
    bent = np.flatnonzero(weight > STRAIGHT)
    root = np.sqrt(bend[bent])
    # The trace, which no eigenvalue exceeds.
    gram: npt.NDArray[Any] = problem.single if weight.sum() < SINGLE else problem.gram
    part = gram if len(bent) == len(bend) else gram[np.ix_(bent, bent)]
    roots = root.astype(gram.dtype)
    system = part * roots[:, None]
    system *= roots
    system[np.diag_indices_from(system)] += 1.0
    try:
        factor = cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
    except np.linalg.LinAlgError:  # features so large that rounding hides the regularisation
        return None
    step = -off
    step[bent] = 0.0
    right = -off[bent] / root
    if step.any():
        right -= root * (problem.gram[bent] @ step)
    pair = np.column_stack([right, root]) if problem.free_intercept else right[:, None]
    solved = root[:, None] * cho_solve(factor, pair.astype(gram.dtype), check_finite=False)
    step[bent] = solved[:, 0]
    if not problem.free_intercept:
        return Point(step, 0.0)
    held = float(solved[:, 1].sum())
    if held <= 0.0:
        return None
    intercept = float(sums.sum() + step.sum()) / held
    step[bent] -= intercept * solved[:, 1]
    return Point(step, intercept)
