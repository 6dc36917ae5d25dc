"""The options that say what is fitted on the images validated on, and kept with a model."""

import argparse
from dataclasses import dataclass

from classifiers.models.thresholds import FORMS, Criterion, parse_criterion
from pipelines.cli import proportion
from pipelines.errors import UsageError

PARAMETRIC, ISOTONIC = "parametric", "isotonic"
VALIDATION, FOLDS = "validation", "folds"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be fitted on the images validated on.

    Attributes:
        calibrate: whether probabilities are.
        criterion: what thresholds are chosen for; None for no thresholds.
        coverage: share of images whose set is to hold their class; None for no sets.
        calibrate_by: `PARAMETRIC` or `ISOTONIC`.
        calibrate_on: `VALIDATION` or `FOLDS`; None for the split validated on if there is one, and
            else folds.
    """

    calibrate: bool = False
    criterion: Criterion | None = None
    coverage: float | None = None
    calibrate_by: str = PARAMETRIC
    calibrate_on: str | None = None

    @property
    def anything(self) -> bool:
        """Whether there is anything to fit."""
        return self != NOTHING

    def is_on_folds(self, *, validates: bool) -> bool:
        """Whether probabilities are fitted out of fold, in a training that validates or not."""
        return self.calibrate and (self.calibrate_on or (VALIDATION if validates else FOLDS)) == (
            FOLDS
        )


NOTHING = Wanted()
"""What is fitted if nothing is asked for."""


def add_decision_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that `wanted_of` reads."""
    group = parser.add_argument_group(
        "what is fitted on the images validated on, and kept with the model"
    )
    group.add_argument(
        "--calibrate",
        action="store_true",
        help="probabilities: by a temperature, or for an SVM by sigmoids",
    )
    group.add_argument(
        "--calibrate_by",
        choices=(PARAMETRIC, ISOTONIC),
        help=f"{PARAMETRIC}, if not given, is what --calibrate says; {ISOTONIC} by curves that "
        "only rise",
    )
    group.add_argument(
        "--calibrate_on",
        choices=(VALIDATION, FOLDS),
        help="the images validated on, or those trained on, each as it is seen by a head that was "
        "trained without its fold; folds, if not given, where there are none validated on",
    )
    group.add_argument(
        "--threshold",
        type=parse_criterion,
        metavar="CRITERION",
        help=f"a threshold for each class: {FORMS}",
    )
    group.add_argument(
        "--coverage",
        type=proportion,
        metavar="SHARE",
        help="sets of classes that hold the true one for this share of new images",
    )


def wanted_of(options: argparse.Namespace) -> Wanted:
    """What the options of `add_decision_options` ask for.

    Raises:
        UsageError: it is said how to calibrate, and not that it is to be done.
    """
    for name in ("calibrate_by", "calibrate_on"):
        if getattr(options, name) is not None and not options.calibrate:
            raise UsageError(f"--{name} has no meaning without --calibrate; give that too")
    return Wanted(
        options.calibrate,
        options.threshold,
        options.coverage,
        options.calibrate_by or PARAMETRIC,
        options.calibrate_on,
    )
