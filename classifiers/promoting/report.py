"""What a promotion has to say, for people and as values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from classifiers.models.comparing import Difference
from classifiers.models.reports import EvaluateReport
from classifiers.promoting.conditions import Answer
from pipelines.reports import Grid, Part, Report


@dataclass(frozen=True, slots=True)
class PromoteReport(Report):
    """A model that was promoted, or was not.

    Attributes:
        model: the model's name.
        before: name of the one that was in place; None where none was.
        after: name of the version that it is now; None where it was not promoted.
        answers: to each condition.
        measured: of the model and, where it was asked for, of the one in place, by name.
        difference: from the one in place to this one; None where it was not asked for.
    """

    model: str
    before: str | None
    after: str | None
    answers: tuple[Answer, ...]
    measured: Mapping[str, EvaluateReport]
    difference: Difference | None

    @property
    def promoted(self) -> bool:
        """Whether it was."""
        return self.after is not None

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        said: list[Part] = []
        if self.answers:
            rows = [
                (each.condition, _shown(each), "yes" if each.holds else "no")
                for each in self.answers
            ]
            said += [Grid(rows, ("condition", "found", "holds")), ""]
            first = next(iter(self.measured.values()))
            said.append(f"measured on split {first.split}, {first.measured.images} images")
        if self.difference is not None:
            low, high = self.difference.interval
            said.append(
                f"against {self.before}: {self.difference.difference:+.4f} ({low:+.4f} to "
                f"{high:+.4f}), McNemar's p {self.difference.p_value:.4f}"
            )
        if self.after is None:
            kept = "nothing was" if self.before is None else f"{self.before} stays"
            return [*said, f"not promoted: {kept} in place"]
        instead = "" if self.before is None else f", in the place of {self.before}"
        return [*said, f"promoted: {self.model} is {self.after}{instead}"]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return {
            "promoted": self.promoted,
            "model": self.model,
            "before": self.before,
            "after": self.after,
            "conditions": [asdict(each) for each in self.answers],
            "measured": {name: each.as_json() for name, each in self.measured.items()},
            "difference": None if self.difference is None else asdict(self.difference),
        }


def _shown(given: Answer) -> str:
    return "nothing in place" if given.found is None else f"{given.found:.4f}"
