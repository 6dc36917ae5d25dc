"""The rows that a search works on, in memory, and how they are divided."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.data.dataset import read_features
from classifiers.data.encoding import classes_of
from classifiers.data.folds import (
    Fold,
    check_classes,
    cut,
    require_whole,
    together,
    whole_images,
)
from classifiers.data.memory import MemoryBudget, show_size
from classifiers.data.row_groups import find_rows
from classifiers.data.training_set import StreamedSet, labelled_rows
from classifiers.heads.losses import Targets
from pipelines.cli import few
from pipelines.errors import TableError, UsageError
from pipelines.system.cores import usable_cores
from pipelines.table.feature_table import FeatureTable

NAMED = 3
"""Images that a message names."""


@dataclass(frozen=True, slots=True)
class Division:
    """How rows are to be divided.

    Attributes:
        train_split: the split to fit on.
        validation_split: the split to score on; None for folds of `train_split`.
        folds: how many, without one.
        copies: augmented copies of an image to fit on at most; None for all.
        seed: of the shuffling.
    """

    train_split: str
    validation_split: str | None
    folds: int
    copies: int | None
    seed: int


@dataclass(frozen=True, slots=True)
class DividedRows:
    """Rows and their folds, before their features are read.

    Attributes:
        parts: the rows: of the split to fit on and, where there is one, of that to score on.
        targets: int64 (n,), class numbers of all of them.
        classes: names by number.
        folds: places in all of them.
    """

    parts: tuple[StreamedSet, ...]
    targets: Targets
    classes: tuple[str, ...]
    folds: tuple[Fold, ...]

    @property
    def scored(self) -> int:
        """Images that are scored on in all."""
        return sum(len(fold.test) for fold in self.folds)

    def read(self) -> npt.NDArray[np.float32]:
        """All features, float32 (n, length).

        Raises:
            TableError: they are not all finite, or all rows have the same.
        """
        found = [read_features(part.rows) for part in self.parts]
        features = found[0] if len(found) == 1 else np.concatenate(found)
        sound = np.isfinite(features).all(axis=1)
        if not sound.all():
            ids = [row for part in self.parts for row in part.rows.keys["image_id"].to_pylist()]
            bad = [ids[place] for place in np.flatnonzero(~sound)]
            raise TableError(
                f"features of {len(bad)} rows are not finite: {few(bad, NAMED)}; extract these "
                "images again"
            )
        if (features == features[0]).all():
            raise TableError(
                f"the features of all {len(features):,} rows are the same, so that there is "
                "nothing to tell classes apart by; look at the images and the base's weights"
            )
        return features

    def workers(self, budget: MemoryBudget) -> int:
        """How many folds are worked on at once within the budget.

        Raises:
            UsageError: not even one can be.
        """
        held = sum(part.rows.feature_bytes for part in self.parts)
        rows, length = len(self.targets), self.parts[0].length
        # Scaling makes two more copies and a mask; then there are four matrices of float64.
        each = round(2.25 * held) + 4 * 8 * rows * min(rows, length)
        for count in range(min(usable_cores(), len(self.folds)), 0, -1):
            if held + count * each <= budget.size:
                return count
        raise UsageError(
            f"a search holds all features: {rows:,} rows, {show_size(held)}, of which a fold "
            f"makes {show_size(held + each)}, and {show_size(budget.size)} ({budget.reason}) are "
            "allowed; raise --memory, or search on a smaller --train_split"
        )


def divide(table: FeatureTable, division: Division) -> DividedRows:
    """Find the rows and cut the folds.

    Raises:
        TableError: there is no such split, or it has one class only.
        UsageError: a class has too few images for so many folds.
    """
    rows = find_rows(table, division.train_split, division.copies, "--train_split")
    rows.require_one_label()
    classes = classes_of(rows.labels())
    fitted = labelled_rows(rows, classes, division.train_split)
    if division.validation_split is not None:
        found = find_rows(table, division.validation_split, 0, "--validation_split")
        scored = labelled_rows(found, classes, division.validation_split)
        targets = np.concatenate([fitted.targets, scored.targets])
        count = len(fitted.targets)
        fold = Fold(np.arange(count), np.arange(count, len(targets)))
        return DividedRows((fitted, scored), targets, classes, (fold,))
    folds = _folds(fitted, classes, division)
    return DividedRows((fitted,), fitted.targets, classes, tuple(folds))


def _folds(rows: StreamedSet, classes: Sequence[str], division: Division) -> list[Fold]:
    units = together(rows.rows)
    check_classes(rows.targets, units, classes, division.folds)
    whole = whole_images(rows.rows.keys)
    folds = cut(rows.targets, units, whole, division.folds, division.seed)
    require_whole(folds, rows.targets, classes)
    return folds
