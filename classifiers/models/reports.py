"""What training, evaluating and predicting have to say, for people and as values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from classifiers.models.card import ModelCard
from classifiers.models.course_told import course_told
from classifiers.models.evaluation import Evaluation
from classifiers.models.outcome_parts import outcome_parts
from classifiers.models.place import CONFUSION_FILE, CURVES_FILE
from classifiers.models.prediction_files import PredictionFile, read_predictions
from pipelines.reports import Grid, Part, Report

MEASURES = ("accuracy", "roc_auc", "log_loss")
COLUMNS = ("head", "split", "images", *MEASURES)

SHOWN = 10
"""Predictions shown of those that are held, and pairs of confused classes where there are many."""

MANY_CLASSES = 20
"""Above this the confusion matrix is not shown whole."""

SHOWN_COLUMNS = ("image_id", "label", "labels", "predicted", "probability", "error")


@dataclass(frozen=True, slots=True)
class TrainReport(Report):
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
        if isinstance(self.model, Path):
            pictures = [self.model / CURVES_FILE, self.model / CONFUSION_FILE]
            shown = ", ".join(str(picture) for picture in pictures if picture.is_file())
            where += f"; pictures: {shown}"
        return [Grid(rows, COLUMNS), "", *course_told(self.card), where]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return asdict(self.card)


@dataclass(frozen=True, slots=True)
class EvaluateReport(Report):
    """How good a model is on a split.

    Attributes:
        head: its kind of head.
        split: the split measured on.
        measured: the measures.
        source: where the split is from: table and version, or input and images left out.
        pictures: those that were drawn of it.
    """

    head: str
    split: str
    measured: Evaluation
    source: Mapping[str, Any]
    pictures: tuple[Path, ...] = ()

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        found = self.measured
        overall = (found.images, found.accuracy, found.roc_auc, found.log_loss)
        rows = [
            (name, each["precision"], each["recall"], each["f1"], area, each["support"])
            for (name, each), area in zip(
                found.per_class.items(), found.further.class_roc_auc, strict=True
            )
        ]
        return [
            Grid([(self.head, self.split, *overall)], COLUMNS),
            *_on_auc(found),
            "",
            _further(found),
            *outcome_parts(found.decided, MANY_CLASSES, SHOWN),
            "",
            *_of_classes(rows),
            "",
            _confusion(found),
            *([f"\npictures: {', '.join(map(str, self.pictures))}"] if self.pictures else []),
        ]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return {**self.measured.as_json(), "head": self.head, "split": self.split, **self.source}


def _further(found: Evaluation) -> Grid:
    more = found.further
    low, high = more.accuracy_interval
    rows = [
        ("accuracy, 95 % interval", f"{low:.4f} to {high:.4f}"),
        ("always the most frequent class", more.majority),
        ("balanced accuracy", more.balanced_accuracy),
        ("macro F1", more.macro_f1),
        ("average precision (PR AUC)", more.pr_auc),
        ("among the five likeliest", more.top_5),
        ("Brier score", more.brier),
        ("calibration error", more.calibration_error),
    ]
    return Grid([row for row in rows if row[1] is not None])


def _of_classes(rows: list[tuple[str, float, float, float, float | None, float]]) -> list[Part]:
    header = ("class", "precision", "recall", "f1", "roc_auc", "images")
    if len(rows) <= MANY_CLASSES:
        return [Grid(rows, header)]
    there = [row for row in rows if row[5]]
    worst = sorted(there, key=lambda row: row[3])[:SHOWN]
    return [f"the {len(worst)} of {len(there)} classes with the least F1", Grid(worst, header)]


def _on_auc(found: Evaluation) -> list[str]:
    classes, measured = len(found.classes), found.classes_measured
    if measured == classes:
        return []
    if found.roc_auc is None:
        return ["no roc_auc: all images are of one class"]
    return [f"roc_auc is the mean over the {measured} of {classes} classes that have images"]


def _confusion(found: Evaluation) -> Grid:
    if len(found.classes) <= MANY_CLASSES:
        rows = zip(found.classes, found.confusion, strict=True)
        header = ("true \\ predicted", *found.classes)
        return Grid([(name, *counts) for name, counts in rows], header)
    # All pairs of many classes fill a screen many times over; the JSON has them.
    return Grid(found.confused()[:SHOWN], ("true", "predicted", "images"))


@dataclass(frozen=True, slots=True)
class PredictReport(Report):
    """Predictions that were made.

    Attributes:
        predicted: how many images were.
        failed: how many could not be used.
        output: the file that they are in; None when they are held.
        held: the predictions themselves, when no file was asked for.
    """

    predicted: int
    failed: int
    output: PredictionFile | None
    held: pa.Table | None = field(default=None, repr=False, compare=False)

    @property
    def rows(self) -> pa.Table:
        """The predictions; columns as `classifiers.models.predicting.prediction_schema` says."""
        return self.held if self.output is None else read_predictions(self.output)

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        rows = [("predicted", str(self.predicted)), ("could not be used", str(self.failed))]
        if self.output is not None:
            return [Grid([*rows, ("file", str(self.output))])]
        shown = [name for name in SHOWN_COLUMNS if name in self.rows.column_names]
        first = self.rows.slice(0, SHOWN).select(shown).to_pylist()
        return [Grid(rows), "", Grid([tuple(map(_cell, row.values())) for row in first], shown)]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        output = None if self.output is None else str(self.output)
        return {"predicted": self.predicted, "failed": self.failed, "output": output}


def _cell(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else value
