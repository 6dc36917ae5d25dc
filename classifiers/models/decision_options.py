"""The options that say what is fitted on the images validated on, and kept with a model."""

import argparse
from dataclasses import dataclass

from classifiers.models.thresholds import FORMS, Criterion, parse_criterion
from pipelines.cli import proportion


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be fitted on the images validated on.

    Attributes:
        calibrate: whether probabilities are.
        criterion: what thresholds are chosen for; None for no thresholds.
        coverage: share of images whose set is to hold their class; None for no sets.
    """

    calibrate: bool = False
    criterion: Criterion | None = None
    coverage: float | None = None

    @property
    def anything(self) -> bool:
        """Whether there is anything to fit."""
        return self != NOTHING


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
    """What the options of `add_decision_options` ask for."""
    return Wanted(options.calibrate, options.threshold, options.coverage)
