"""Probabilities that are right as often as they say, fitted to images a head has not seen."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from classifiers.heads.head import Judgement
from classifiers.models.decisions import Decisions
from classifiers.models.isotonic import curve_logits
from classifiers.models.soundness import AGAIN
from pipelines.errors import ModelError

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


def fit_temperature(log_odds: Floats, targets: Numbers) -> float | None:
    """The temperature of least log loss (Guo et al. 2017, section 4.2).

    With the inverse temperature b the log loss is convex in b, so the root of its derivative is
    looked for: the mean over images of E[z] - z_true, the expectation under softmax(b z).

    Args:
        log_odds: float64 (n, classes), as `Judgement.log_odds`.
        targets: true class numbers (n,).

    Returns:
        The temperature; None where the log loss has no least value at any: all images are told
        right, or they are told no better than by chance.
    """
    from scipy.optimize import brentq
    from scipy.special import softmax

    logits = _log_probabilities(log_odds)
    true = logits[np.arange(len(targets)), targets]

    def derivative(inverse: float) -> float:
        expected = (softmax(inverse * logits, axis=1) * logits).sum(axis=1)
        return float((expected - true).mean())

    if derivative(0.0) >= 0.0 or not (logits.max(axis=1) > true).any():
        return None
    high = 1.0
    while derivative(high) <= 0.0:
        high *= 2.0
    return float(1.0 / brentq(derivative, 0.0, high, xtol=1e-300, rtol=1e-12))


def fit_sigmoids(scores: Floats, targets: Numbers) -> tuple[tuple[float, float], ...]:
    """Slope and offset of each class's score against the rest, as Platt (1999) fits them.

    He smooths the targets, so that they are finite also where the classes are told apart.

    Args:
        scores: float64 (n, classes); of two classes the second's alone is used.
        targets: true class numbers (n,).
    """
    numbers = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    return tuple(_fit_sigmoid(scores[:, k], targets == k) for k in numbers)


def _fit_sigmoid(scores: Floats, of_class: npt.NDArray[np.bool_]) -> tuple[float, float]:
    from scipy.optimize import minimize
    from scipy.special import expit

    inside, outside = int(of_class.sum()), int((~of_class).sum())
    wanted = np.where(of_class, (inside + 1) / (inside + 2), 1 / (outside + 2))
    # Scores of any size are brought to one at which the curvature is well conditioned.
    middle, spread = float(scores.mean()), float(scores.std()) or 1.0
    inputs = np.column_stack([(scores - middle) / spread, np.ones(len(scores))])

    def loss(line: Floats) -> tuple[float, Floats]:
        values = inputs @ line
        total = np.logaddexp(0.0, values) - wanted * values
        return float(total.mean()), inputs.T @ (expit(values) - wanted) / len(values)

    def curvature(line: Floats) -> Floats:
        shares = expit(inputs @ line)
        found: Floats = (inputs.T * (shares * (1.0 - shares))) @ inputs / len(shares)
        return found

    start = np.array([0.0, np.log((inside + 1) / (outside + 1))])
    found = minimize(loss, start, jac=True, hess=curvature, method="trust-exact", tol=1e-10).x
    slope = float(found[0]) / spread
    return slope, float(found[1]) - slope * middle


def calibrated(judged: Judgement, decisions: Decisions | None) -> Judgement:
    """What a head says, with calibrated probabilities; as it is where nothing calibrates it.

    Args:
        judged: what the head says itself.
        decisions: of its card.

    Raises:
        ModelError: it has no logits, and a temperature is of logits.
    """
    from scipy.special import log_expit

    if decisions is None or not decisions.calibrates:
        return judged
    if decisions.temperature is not None:
        if judged.log_odds is None:
            raise ModelError(f"its card has a temperature, and it has no logits; {AGAIN}")
        logits = _log_probabilities(judged.log_odds) / decisions.temperature
        told = Judgement.of_logits(logits)
        told = replace(told, predicted=judged.predicted)
    elif decisions.isotonic is not None:
        told = Judgement.of_logits(curve_logits(judged.ranking, decisions.isotonic))
    else:
        lines = np.array(decisions.sigmoids, np.float64)
        used = judged.ranking[:, 1:] if len(lines) == 1 else judged.ranking
        values = used * lines[:, 0] + lines[:, 1]
        # Of more classes softmax of these makes shares of the sigmoids.
        told = Judgement.of_logits(values if len(lines) == 1 else log_expit(values))
    # Scores that are no probabilities stay what they were.
    scores = told.scores if judged.scores is judged.probabilities else judged.scores
    return replace(
        told,
        scores=scores,
        uncalibrated=judged.ranking,
        had_probabilities=judged.probabilities is not None,
    )


def _log_probabilities(log_odds: Floats) -> Floats:
    """Logits again, up to a constant a row, which softmax does not see."""
    logits: Floats = -np.logaddexp(0.0, -log_odds)
    return logits
