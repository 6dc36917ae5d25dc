"""What a model's calibration, thresholds and sets do on a split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.heads.head import Judgement
from classifiers.heads.odds import probability
from classifiers.models.decisions import Decisions
from classifiers.models.measures import calibration_error
from classifiers.models.thresholds import decide, reached

Told = Sequence[tuple[npt.NDArray[np.int64], Judgement]]


@dataclass(frozen=True, slots=True)
class Before:
    """The head's own probabilities, before calibration.

    Attributes:
        log_loss: see `Evaluation`.
        calibration_error: see `Measures`.
    """

    log_loss: float
    calibration_error: float


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """A class against the rest, at its threshold.

    Attributes:
        threshold: log odds, or a score; None for a class that is never decided for.
        probability: the same as a probability; None of a score.
        precision: of the images that reach it, the share that are of the class; 0 without any.
        recall: of the images of the class, the share that reach it; 0 without any.
        images: how many reach it.
    """

    threshold: float | None
    probability: float | None
    precision: float
    recall: float
    images: int


@dataclass(frozen=True, slots=True)
class Thresholded:
    """Thresholds on a split.

    Attributes:
        criterion: what they were chosen for.
        per_class: by name.
        decided: share of images that reach one.
        accuracy: share of these that are decided right; None without any.
    """

    criterion: str | None
    per_class: dict[str, AtThreshold]
    decided: float
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Covered:
    """Sets of classes on a split.

    Attributes:
        wanted: share of images whose set was to hold their class.
        coverage: share of images whose set does.
        classes: mean number of classes in a set.
        empty: share of images whose set is empty.
    """

    wanted: float
    coverage: float
    classes: float
    empty: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was fitted to a model, measured; each is None where it was not fitted.

    Attributes:
        before: of a head that had probabilities before its calibration.
        thresholds: what the thresholds do.
        sets: what the sets do.
    """

    before: Before | None
    thresholds: Thresholded | None
    sets: Covered | None


def outcome_of(told: Told, classes: Sequence[str], decisions: Decisions) -> Outcome:
    """Measure what a model's decisions do.

    Args:
        told: by batch the true class numbers (n,), and what the model says, calibrated.
        classes: names by number.
        decisions: of the model.
    """
    return Outcome(
        _before(told) if told[0][1].had_probabilities else None,
        None if decisions.thresholds is None else _thresholded(told, classes, decisions),
        None
        if decisions.coverage is None or decisions.least is None
        else _covered(told, decisions.coverage, decisions.least),
    )


def _before(told: Told) -> Before:
    true, highest, right = [], [], []
    for targets, judged in told:
        own = judged.own_ranking
        true.append(own[np.arange(len(targets)), targets])
        highest.append(own.max(axis=1))
        right.append(own.argmax(axis=1) == targets)
    return Before(
        float(np.logaddexp(0.0, -np.concatenate(true)).mean()),
        calibration_error(probability(np.concatenate(highest)), np.concatenate(right)),
    )


def _thresholded(told: Told, classes: Sequence[str], decisions: Decisions) -> Thresholded:
    thresholds = decisions.thresholds or {}
    there = np.zeros(len(classes), np.int64)
    taken, hits = there.copy(), there.copy()
    decided = right = images = 0
    for targets, judged in told:
        found = reached(judged.ranking, classes, thresholds)
        chosen = decide(judged.ranking, classes, thresholds)
        there += np.bincount(targets, minlength=len(classes))
        taken += found.sum(axis=0)
        hits += np.bincount(
            targets[found[np.arange(len(targets)), targets]], minlength=len(classes)
        )
        decided += int((chosen >= 0).sum())
        right += int((chosen == targets).sum())
        images += len(targets)
    has_odds = told[0][1].log_odds is not None
    per_class = {}
    for number, name in enumerate(classes):
        threshold = thresholds[name]
        shown = threshold is not None and has_odds
        per_class[name] = AtThreshold(
            threshold,
            float(probability(np.array(threshold))) if shown else None,
            float(hits[number] / max(taken[number], 1)),
            float(hits[number] / max(there[number], 1)),
            int(taken[number]),
        )
    accuracy = right / decided if decided else None
    return Thresholded(decisions.criterion, per_class, decided / images, accuracy)


def _covered(told: Told, wanted: float, least: float) -> Covered:
    held = sizes = empty = images = 0
    for targets, judged in told:
        inside = judged.own_ranking >= least
        held += int(inside[np.arange(len(targets)), targets].sum())
        sizes += int(inside.sum())
        empty += int((~inside.any(axis=1)).sum())
        images += len(targets)
    return Covered(wanted, held / images, sizes / images, empty / images)
