"""What a model must satisfy to be promoted: a bound of a measure, to be better, or not worse."""

import argparse
import math
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass

from classifiers.models.comparing import Difference
from classifiers.models.evaluation import Evaluation
from pipelines.cli import few
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

OF_A_CLASS = ("precision", "recall", "f1", "roc_auc")
"""Those that a condition can be about for one class against the rest."""

FORMS = (
    f"{BETTER}, {NOT_WORSE}, or a measure and a bound such as accuracy>=0.95, log_loss<0.2 or, of "
    "one class, recall[cat]>=0.9"
)

SHOWN = 10
"""Classes that a message names."""

# The last bracket before a bound that ends the text closes the name, whatever the name holds.
_BOUND = re.compile(r"\s*(\w+)(?:\[(.*)\])?\s*(>=|<=|>|<)\s*([-+.\w]+)\s*", re.DOTALL)
_RELATIONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition.

    Attributes:
        text: as it was written.
        measure: its name; None for those in `COMPARING`.
        relation: one of >=, <=, > and <; "" for those in `COMPARING`.
        bound: what the measure is held against.
        of_class: name of the class that the measure is of; None for all.
    """

    text: str
    measure: str | None = None
    relation: str = ""
    bound: float = math.nan
    of_class: str | None = None


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
    measure, of_class, relation, number = parts.groups()
    there = MEASURES if of_class is None else OF_A_CLASS
    if measure not in there:
        of = "" if of_class is None else " of a class"
        raise argparse.ArgumentTypeError(
            f"{text!r}: no measure {measure!r}{of}, there are {', '.join(there)}"
        )
    try:
        bound = float(number)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise argparse.ArgumentTypeError(f"{text!r}: {number!r} is no finite number")
    return Condition(text.strip(), measure, relation, bound, of_class)


def require_classes(conditions: Sequence[Condition], classes: Sequence[str]) -> None:
    """Refuse conditions on classes that a model does not know, before it is measured.

    Raises:
        UsageError: one is; names those that there are.
    """
    for each in conditions:
        if each.of_class is not None and each.of_class not in classes:
            raise UsageError(
                f"--if {each.text}: this model has no class {each.of_class!r}, it has "
                f"{few(list(classes), SHOWN)}"
            )


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
    found = _measure_of(condition.measure, condition.of_class, measured)
    if found is None:
        of = "" if condition.of_class is None else f" of class {condition.of_class!r}"
        raise UsageError(
            f"--if {condition.text}: this model has no {condition.measure}{of} on these images; "
            "name another measure"
        )
    return Answer(
        condition.text,
        float(found),
        bool(_RELATIONS[condition.relation](found, condition.bound)),
    )


def _measure_of(name: str, of_class: str | None, measured: Evaluation) -> float | None:
    if of_class is None:
        whole: float | None = measured.as_json()[name]
        return whole
    per_class = measured.per_class[of_class]
    if not per_class["support"]:  # a class without images has a recall of 0, which says nothing
        return None
    if name == "roc_auc":
        return measured.further.class_roc_auc[measured.classes.index(of_class)]
    return per_class[name]
