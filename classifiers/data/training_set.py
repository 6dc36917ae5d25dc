"""Labelled rows as heads take them: held in memory, or streamed from the table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from classifiers.data.copies import ImageRows, image_rows
from classifiers.data.dataset import read_features
from classifiers.data.decoding import Block, block_rows, decode
from classifiers.data.encoding import encode, left_out_line, no_class_known, unknown_classes
from classifiers.data.memory import MemoryBudget
from classifiers.data.pooled import pool
from classifiers.data.row_groups import SplitRows
from pipelines.cli import log

Result = TypeVar("Result")
Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]
"""Features float32 (n, length) and targets int64 (n,) of the same rows; of images with several
labels (n, labels), zeros and ones."""

HELD_BATCH = 1024
"""Most rows of a batch of features that are held anyway."""

HELD_BATCH_BYTES = 2**25
"""Most bytes of it: what a network makes of the rows on its way is a multiple of them."""


@dataclass(frozen=True, slots=True)
class HeldSet:
    """Labelled images in memory.

    Attributes:
        features: float32 (n, length).
        targets: int64 (n,), places in the sorted list of classes; or (n, labels), as in `Batch`.
        unflattened: shape of a row's features before flattening; None if they have none.
        images: which rows are of one image; None where no image has copies.
    """

    features: npt.NDArray[np.float32]
    targets: npt.NDArray[np.int64]
    unflattened: tuple[int, ...] | None = None
    images: ImageRows | None = None

    @property
    def length(self) -> int:
        """Features a row has."""
        return int(self.features.shape[1])

    @property
    def image_targets(self) -> npt.NDArray[np.int64]:
        """Targets (images,), one an image however many copies it has."""
        return self.targets if self.images is None else self.targets[self.images.first]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row's features before flattening."""
        return self.unflattened or (self.length,)

    def batches(self) -> Iterator[Batch]:
        """All rows once, in order."""
        rows = rows_at_once(self.length)
        for start in range(0, len(self.targets), rows):
            part = slice(start, start + rows)
            yield self.features[part], self.targets[part]

    def image_batches(self) -> Iterator[Batch]:
        """All images once, without their copies, in order."""
        if self.images is None:
            yield from self.batches()
            return
        rows = rows_at_once(self.length)
        for start in range(0, len(self.images.first), rows):
            part = self.images.first[start : start + rows]
            yield self.features[part], self.targets[part]


@dataclass(frozen=True)
class StreamedSet:
    """Labelled images whose features stay in the table.

    Attributes:
        rows: the rows, all labelled.
        targets: int64 (n,), places in the sorted list of classes, in the order of `rows.keys`; or
            (n, labels), as in `Batch`.
        budget: most memory for features; None where batches are used as they come.
        pooling: of the stored maps, as `pool` does it.
    """

    rows: SplitRows
    targets: npt.NDArray[np.int64]
    budget: MemoryBudget | None = None
    pooling: str = "none"

    @property
    def length(self) -> int:
        """Features a row has."""
        return prod(self.shape)

    @property
    def feature_bytes(self) -> int:
        """Size of the features of all rows, as float32."""
        return len(self.targets) * self.length * np.dtype(np.float32).itemsize

    @cached_property
    def images(self) -> ImageRows | None:
        """Which rows are of one image; None where no image has copies."""
        return image_rows(self.rows.keys)

    @property
    def image_targets(self) -> npt.NDArray[np.int64]:
        """Targets (images,), one an image however many copies it has."""
        return self.targets if self.images is None else self.targets[self.images.first]

    def only(self, places: npt.NDArray[np.int64]) -> "StreamedSet":
        """Some of the rows, by their places, each once and in the same order."""
        chosen = np.zeros(len(self.targets), dtype=bool)
        chosen[places] = True
        return replace(self, rows=self.rows.only(chosen), targets=self.targets[chosen])

    def image_batches(self) -> Iterator[Batch]:
        """All images once, without their copies, in the order of the files."""
        part = self if self.images is None else self.only(self.images.first)
        return part.batches()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row's features before flattening."""
        shape = self.rows.table.feature_shape
        return shape if self.pooling == "none" else shape[-1:]

    @property
    def batch_rows(self) -> int:
        """Rows of the largest batch."""
        return block_rows(self.rows)

    @property
    def batch_bytes(self) -> int:
        """Size of the stored features of the largest batch."""
        return self.batch_rows * self.rows.length * np.dtype(np.float32).itemsize

    def batches(self, order: Sequence[int] | None = None) -> Iterator[Batch]:
        """All rows once, row group by row group: in the order of the files if none is given."""
        return self.map(lambda features, targets: (features, targets), order)

    def map(
        self,
        work: Callable[[npt.NDArray[np.float32], npt.NDArray[np.int64]], Result],
        order: Sequence[int] | None = None,
    ) -> Iterator[Result]:
        """What `work` makes of each batch, done by several threads, given in a fixed order."""

        def work_on(block: Block) -> Result:
            pooled = pool(block.features, self.rows.table.feature_shape, self.pooling)
            return work(pooled, self.targets[block.places])

        return decode(self.rows, work_on, order)


TrainingSet = HeldSet | StreamedSet


def rows_at_once(length: int) -> int:
    """Rows of so many features that a batch has when all are held anyway."""
    return min(HELD_BATCH, max(1, HELD_BATCH_BYTES // (length * np.dtype(np.float32).itemsize)))


def labelled_rows(
    rows: SplitRows, classes: Sequence[str], split: str, pooling: str = "none"
) -> StreamedSet:
    """The rows of some classes, numbered, their features still in the table.

    Rows of other classes are left out, which is told.

    Args:
        rows: the rows of a split.
        classes: names by number.
        split: its name, for messages.
        pooling: of the stored maps.

    Raises:
        TableError: no row is of one of the classes.
    """
    labels = rows.labels()
    targets, known = encode(labels, classes)
    unknown = unknown_classes(labels, classes)
    if not len(targets):
        raise no_class_known(split, unknown, classes)
    if unknown:
        log(left_out_line(split, unknown))
    return StreamedSet(rows.only(known), targets, pooling=pooling)


def hold(samples: StreamedSet) -> HeldSet:
    """Read all features into memory, in the order of the keys."""
    features = read_features(samples.rows, samples.pooling)
    return HeldSet(features, samples.targets, samples.shape, samples.images)
