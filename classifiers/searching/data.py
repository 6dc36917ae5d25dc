"""The rows that a search works on, in memory, and how they are divided."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.data.copies import ImageRows, image_rows
from classifiers.data.dataset import read_features
from classifiers.data.encoding import classes_of
from classifiers.data.folds import (
    Fold,
    Places,
    check_classes,
    cut,
    require_whole,
    together,
    whole_images,
)
from classifiers.data.memory import MemoryBudget
from classifiers.data.row_groups import find_rows
from classifiers.data.training_set import StreamedSet, labelled_rows
from classifiers.heads.losses import Targets
from classifiers.searching.settings import LINEAR
from pipelines.cli import few
from pipelines.errors import TableError
from pipelines.system.cores import usable_cores
from pipelines.table.feature_table import FeatureTable

Result = TypeVar("Result")

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

    def pooled(self, pooling: str) -> "DividedRows":
        """The same rows with pooled features."""
        return replace(self, parts=tuple(replace(part, pooling=pooling) for part in self.parts))

    def images_of(self, fold: Fold) -> ImageRows | None:
        """Which rows to fit on are of one image; None where no image has copies."""
        return image_rows(self.parts[0].rows.keys.take(pa.array(fold.train)))

    def read(self) -> npt.NDArray[np.float32]:
        """All features, float32 (n, length).

        Raises:
            TableError: they are not all finite, or all rows have the same.
        """
        found = [read_features(part.rows, part.pooling) for part in self.parts]
        features = found[0] if len(found) == 1 else np.concatenate(found)
        self.refuse(np.flatnonzero(~np.isfinite(features).all(axis=1)).tolist())
        if (features == features[0]).all():
            raise self.alike()
        return features

    def map(
        self,
        work: Callable[[npt.NDArray[np.float32], Places], Result],
        places: Places | None = None,
    ) -> Iterator[Result]:
        """What `work` makes of each block of rows, without holding all their features.

        Args:
            work: takes features float32 (n, length) and the places (n,) of their rows; several run
                at once.
            places: int64, of the rows wanted, ascending; all when None.

        Yields:
            What it returned, in a fixed order.
        """
        start = 0
        for part in self.parts:
            end = start + len(part.targets)
            numbered = replace(part, targets=np.arange(start, end))
            if places is None:
                yield from numbered.map(work)
            else:
                first, last = np.searchsorted(places, [start, end])
                if first < last:
                    yield from numbered.only(places[first:last] - start).map(work)
            start = end

    def within(self, budget: MemoryBudget) -> "DividedRows":
        """The same rows, whose features are streamed within a budget."""
        return replace(self, parts=tuple(replace(part, budget=budget) for part in self.parts))

    def refuse(self, bad: Sequence[int]) -> None:
        """Refuse rows, by their places, whose features are no finite numbers; nothing if none are.

        Raises:
            TableError: some are.
        """
        if bad:
            ids = [row for part in self.parts for row in part.rows.keys["image_id"].to_pylist()]
            raise TableError(
                f"features of {len(bad)} rows are not finite: "
                f"{few([ids[place] for place in bad], NAMED)}; extract these images again"
            )

    def alike(self) -> TableError:
        """What is to be said where all rows have the same features."""
        return TableError(
            f"the features of all {len(self.targets):,} rows are the same, so that there is "
            "nothing to tell classes apart by; look at the images and the base's weights"
        )

    def workers(self, budget: MemoryBudget, heads: Collection[str]) -> int:
        """How many folds are worked on at once in memory within the budget; 0 if not even one."""
        held = sum(part.feature_bytes for part in self.parts)
        rows, length = len(self.targets), self.parts[0].length
        each = 3 * held  # what Keras makes of them
        if "knn" in heads:  # vectors of length one, by way of float64
            each = round(4.5 * held)
        if not set(heads).isdisjoint(LINEAR):
            # Scaling makes two more copies and a mask; then there are four matrices of float64.
            each = max(each, round(2.25 * held) + 4 * 8 * rows * min(rows, length))
        for count in range(min(usable_cores(), len(self.folds)), 0, -1):
            if held + count * each <= budget.size:
                return count
        return 0


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
