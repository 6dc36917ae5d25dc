"""Whether one model is better than another, by what both say of the same images."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.models.measures import wilson_interval
from classifiers.models.reports import EvaluateReport
from pipelines.errors import UsageError
from pipelines.reports import Grid, Part, Report

Right = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more often a second model is right than a first, on the same images.

    Attributes:
        difference: of the accuracies, second less first.
        interval: in which it lies at 95 %, by Newcombe's method 10 for paired shares (1998).
        only_first: images of which only the first is right.
        only_second: images of which only the second is right.
        p_value: of McNemar's exact test, that both are right equally often.
    """

    difference: float
    interval: tuple[float, float]
    only_first: int
    only_second: int
    p_value: float


def difference_of(first: Right, second: Right) -> Difference:
    """Compare two models by which images each is right of.

    Args:
        first: bool (n,), of the first model.
        second: bool (n,), of the same images in the same order.
    """
    from scipy.stats import binomtest

    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    apart = only_first + only_second
    p_value = binomtest(only_first, apart).pvalue if apart else 1.0
    gained = (only_second - only_first) / len(first)
    return Difference(
        gained, _paired_interval(first, second), only_first, only_second, float(p_value)
    )


def _paired_interval(first: Right, second: Right) -> tuple[float, float]:
    images = len(first)
    both, none = int((first & second).sum()), int((~first & ~second).sum())
    right1, right2 = int(first.sum()), int(second.sum())
    share1, share2 = right1 / images, right2 / images
    low1, high1 = wilson_interval(right1, images)
    low2, high2 = wilson_interval(right2, images)
    apart = (right1 - both) * (right2 - both)
    product = right1 * (images - right1) * right2 * (images - right2)
    together = both * none - apart
    # Newcombe's correction for continuity, of positive correlation alone.
    corrected = max(together - images / 2, 0.0) if together > 0 else together
    phi = corrected / sqrt(product) if product else 0.0
    below1, above1, below2, above2 = share1 - low1, high1 - share1, share2 - low2, high2 - share2
    down = sqrt(max(0.0, below2**2 - 2 * phi * below2 * above1 + above1**2))
    up = sqrt(max(0.0, above2**2 - 2 * phi * above2 * below1 + below1**2))
    return share2 - share1 - down, share2 - share1 + up


@dataclass(frozen=True, slots=True)
class CompareReport(Report):
    """Models on the same images, each held against the first.

    Attributes:
        names: what the models are called.
        reports: the measures of each.
        differences: of each but the first.
    """

    names: tuple[str, ...]
    reports: tuple[EvaluateReport, ...]
    differences: tuple[Difference, ...]

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        first = self.reports[0]
        header = ("model", "head", "accuracy", "95 % interval", "against the first", "McNemar's p")
        rows: list[tuple[object, ...]] = []
        against: list[Difference | None] = [None, *self.differences]
        for name, report, found in zip(self.names, self.reports, against, strict=True):
            measured = report.measured
            low, high = measured.further.accuracy_interval
            gain = "" if found is None else _signed(found)
            p_value = "" if found is None else f"{found.p_value:.4f}"
            cells = (name, report.head, measured.accuracy, f"{low:.4f} to {high:.4f}")
            rows.append((*cells, gain, p_value))
        said = f"split {first.split}, {first.measured.images} images, the same for all models"
        return [Grid(rows, header), "", said]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        against: list[Difference | None] = [None, *self.differences]
        every = zip(self.names, self.reports, against, strict=True)
        return {
            "models": [
                {"model": name, **report.as_json(), **({} if found is None else _values(found))}
                for name, report, found in every
            ]
        }


def compared(names: Sequence[str], reports: Sequence[EvaluateReport]) -> CompareReport:
    """Hold models against the first of them.

    Args:
        names: what they are called.
        reports: what was measured of each, on one split.

    Raises:
        UsageError: they have other classes, or were measured on other images.
    """
    first = reports[0].measured
    for name, report in zip(names[1:], reports[1:], strict=True):
        if {*report.measured.classes} != {*first.classes}:
            raise UsageError(f"{name} has other classes than {names[0]}; they cannot be compared")
        if report.measured.images != first.images:
            raise UsageError(
                f"{name} could be measured on {report.measured.images} images and {names[0]} on "
                f"{first.images}; they can be compared on the same images only"
            )
    differences = [difference_of(first.right, each.measured.right) for each in reports[1:]]
    return CompareReport(tuple(names), tuple(reports), tuple(differences))


def _signed(found: Difference) -> str:
    low, high = found.interval
    return f"{found.difference:+.4f} ({low:+.4f} to {high:+.4f})"


def _values(found: Difference) -> dict[str, Any]:
    return {
        "difference": found.difference,
        "difference_interval": found.interval,
        "only_first_right": found.only_first,
        "only_this_right": found.only_second,
        "mcnemar_p": found.p_value,
    }
