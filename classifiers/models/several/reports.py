"""What training and evaluating models of several labels have to say."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifiers.heads.odds import probability
from classifiers.models.card import ModelCard
from classifiers.models.course_told import course_told
from classifiers.models.place import CURVES_FILE
from classifiers.models.several.decided import SeveralLabels
from classifiers.models.several.measures import SeveralEvaluation
from pipelines.reports import Grid, Part, Report

MEASURES = ("subset_accuracy", "micro_f1", "macro_f1", "mean_average_precision", "log_loss")
COLUMNS = ("head", "split", "images", *MEASURES)

MANY_LABELS = 20
"""Above this only some are shown,"""

SHOWN = 10
"""so many, the worst."""


@dataclass(frozen=True, slots=True)
class SeveralTrainReport(Report):
    """A training that is done.

    Attributes:
        model: the model's folder; of a version its name.
        card: the model's card.
    """

    model: Path | str
    card: ModelCard

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        rows = [
            (self.card.head, split, self.card.rows[split], *(measures[each] for each in MEASURES))
            for split, measures in self.card.metrics.items()
            if measures is not None
        ]
        where = f"model in {self.model} after {self.card.seconds:.1f} s"
        if isinstance(self.model, Path) and (self.model / CURVES_FILE).is_file():
            where += f"; pictures: {self.model / CURVES_FILE}"
        return [Grid(rows, COLUMNS), "", *course_told(self.card), where]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return asdict(self.card)


@dataclass(frozen=True, slots=True)
class SeveralEvaluateReport(Report):
    """How good a model is on a split.

    Attributes:
        head: its kind of head.
        split: the split measured on.
        measured: the measures.
        several: from which score on each label is given.
        has_probabilities: whether these are log odds.
        source: where the split is from: table and version.
    """

    head: str
    split: str
    measured: SeveralEvaluation
    several: SeveralLabels
    has_probabilities: bool
    source: Mapping[str, Any]

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        found = self.measured
        overall = [getattr(found, name) for name in MEASURES]
        more = [
            ("told right of all images and labels", found.label_accuracy),
            ("micro precision", found.micro_precision),
            ("micro recall", found.micro_recall),
            ("mean ROC AUC", found.roc_auc),
        ]
        return [
            Grid([(self.head, self.split, found.images, *overall)], COLUMNS),
            "",
            Grid([row for row in more if row[1] is not None]),
            "",
            *self._labels(),
        ]

    def _labels(self) -> Sequence[Part]:
        header = (
            *("label", "threshold", "precision", "recall", "f1", "roc_auc", "average_precision"),
            "images",
        )
        rows = [
            (
                name,
                self._threshold(name),
                *(each.precision, each.recall, each.f1, each.roc_auc, each.average_precision),
                each.support,
            )
            for name, each in self.measured.per_label.items()
        ]
        if len(rows) <= MANY_LABELS:
            return [Grid(rows, header)]
        there = [row for row in rows if row[-1]]
        worst = sorted(there, key=lambda row: row[4])[:SHOWN]
        return [f"the {len(worst)} of {len(there)} labels with the least F1", Grid(worst, header)]

    def _threshold(self, name: str) -> float | None:
        """As a probability, where there are any."""
        least = self.several.thresholds[name]
        if least is None or not self.has_probabilities:
            return least
        return float(probability(least))  # type: ignore[arg-type]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return {
            **self.measured.as_json(),
            "thresholds": self.several.thresholds,
            "head": self.head,
            "split": self.split,
            **self.source,
        }
