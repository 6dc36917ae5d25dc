"""What a model must satisfy to be promoted: a bound of a measure, to be better, or not worse."""

import argparse
import math
import operator
import re
from dataclasses import dataclass

from classifiers.models.comparing import Difference
from classifiers.models.evaluation import Evaluation
from pipelines.errors import UsageError

BETTER = "better"
NOT_WORSE = "not_worse"
COMPARING = (BETTER, NOT_WORSE)
"""Conditions that hold the model against the one in place."""

SIGNIFICANCE = 0.05
"""Of McNemar's test, below which a difference is more than noise."""

MEASURES = (
    *("accuracy", "balanced_accuracy", "macro_f1", "top_5", "roc_auc", "pr_auc"),
    *("log_loss", "brier", "calibration_error"),
)
"""Those that a condition can be about, by their names in `--json` of evaluate."""

FORMS = f"{BETTER}, {NOT_WORSE}, or a measure and a bound such as accuracy>=0.95 or log_loss<0.2"

_BOUND = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*([-+.\w]+)\s*")
_RELATIONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition.

    Attributes:
        text: as it was written.
        measure: its name; None for those in `COMPARING`.
        relation: one of >=, <=, > and <; "" for those in `COMPARING`.
        bound: what the measure is held against.
    """

    text: str
    measure: str | None = None
    relation: str = ""
    bound: float = math.nan


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a condition holds.

    Attributes:
        condition: as it was written.
        found: the measure; of those in `COMPARING` how much more often the model is right than the
            one in place, None where nothing is in place.
        holds: whether it does.
    """

    condition: str
    found: float | None
    holds: bool


def parse_condition(text: str) -> Condition:
    """An option's value that is a condition."""
    if text.strip() in COMPARING:
        return Condition(text.strip())
    parts = _BOUND.fullmatch(text)
    if parts is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no condition; there are {FORMS}")
    measure, relation, number = parts.groups()
    if measure not in MEASURES:
        known = ", ".join(MEASURES)
        raise argparse.ArgumentTypeError(f"{text!r}: no measure {measure!r}, there are {known}")
    try:
        bound = float(number)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise argparse.ArgumentTypeError(f"{text!r}: {number!r} is no finite number")
    return Condition(text.strip(), measure, relation, bound)


def answer(condition: Condition, measured: Evaluation, difference: Difference | None) -> Answer:
    """Hold what was measured of a model against a condition.

    Args:
        condition: the condition.
        measured: of the model that is to be promoted.
        difference: from the model in place to this one; None where nothing is in place, than
            which any model is better, and none is worse.

    Raises:
        UsageError: the model has no such measure.
    """
    if condition.measure is None:
        if difference is None:
            return Answer(condition.text, None, True)
        gained = difference.difference
        surely = difference.p_value < SIGNIFICANCE
        better, worse = surely and gained > 0.0, surely and gained < 0.0
        return Answer(condition.text, gained, better if condition.text == BETTER else not worse)
    found = measured.as_json()[condition.measure]
    if found is None:
        raise UsageError(
            f"--if {condition.text}: this model has no {condition.measure} on these images; name "
            "another measure"
        )
    return Answer(
        condition.text,
        float(found),
        bool(_RELATIONS[condition.relation](found, condition.bound)),
    )
