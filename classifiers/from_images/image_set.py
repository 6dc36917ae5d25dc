"""Labelled images held in memory, decoded once and augmented anew every epoch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.data.images import (
    READ_BATCH,
    LabelledRefs,
    left_out,
    read_pixels,
    shown_failure,
)
from classifiers.data.memory import MemoryBudget, show_size
from classifiers.data.training_set import Batch
from pipelines.cli import log
from pipelines.contract import Augmentation
from pipelines.errors import InputError, UsageError
from pipelines.images.augmentation import augment
from pipelines.images.decode import PixelSpec
from pipelines.records import Failure, ImageRef
from pipelines.system.cores import usable_cores
from pipelines.system.threads import map_ahead

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Labelled images in memory.

    Attributes:
        ids: image ids (n,).
        pixels: uint8 (n, size, size, 3), RGB.
        targets: int64 (n,), places in the sorted list of classes.
        failures: images of the split that could not be used.
    """

    ids: tuple[str, ...]
    pixels: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.int64]
    failures: tuple[Failure, ...]

    def batches(self) -> Iterator[Batch]:
        """All images once, in order: float32 (n, size, size, 3), 0–255, and targets."""
        for start in range(0, len(self.targets), READ_BATCH):
            part = slice(start, start + READ_BATCH)
            yield self.pixels[part].astype(np.float32), self.targets[part]


@dataclass(frozen=True, slots=True)
class EpochPlan:
    """In which batches, order and guise images come.

    Attributes:
        batch_size: images a step.
        seed: of the order.
        augmentation: how images are transformed, anew every epoch; None for as they are.
    """

    batch_size: int
    seed: int
    augmentation: Augmentation | None

    def batches(self, images: ImageSet, epoch: int) -> Iterator[Batch]:
        """All images once, shuffled; made ahead on threads.

        What an image looks like depends on the policy's seed, its id and the epoch alone: in epoch
        k it is the copy of that number that `--augment` would have put into a table.

        Args:
            images: what to train on.
            epoch: its number, from 1.
        """
        order = np.random.default_rng([self.seed, epoch]).permutation(len(images.targets))

        def make(places: Places) -> Batch:
            pixels = images.pixels[places]
            if self.augmentation is not None:
                for row, place in zip(pixels, places, strict=True):
                    row[:] = augment(row, self.augmentation, images.ids[place], epoch)
            return pixels.astype(np.float32), images.targets[places]

        starts = range(0, len(order), self.batch_size)
        parts = (order[start : start + self.batch_size] for start in starts)
        threads = usable_cores()
        return map_ahead(make, parts, threads, threads + 1, "augment")


def require_room(parts: list[LabelledRefs], size: int, budget: MemoryBudget) -> None:
    """Refuse images that do not fit into memory, before any is read.

    Raises:
        UsageError: they do not.
    """
    count = sum(len(part.refs) for part in parts)
    needed = count * size * size * 3
    facts = f"{count:,} images of {size} x {size} take {show_size(needed)} of memory"
    within = f"{show_size(budget.size)} ({budget.reason})"
    if needed > budget.size:
        raise UsageError(
            f"{facts}, and {within} are allowed; raise --memory, lower --image_size, or extract "
            "features and train on their --table"
        )
    log(f"{facts}; {within} are allowed")


def hold_images(part: LabelledRefs, pixels: PixelSpec) -> ImageSet:
    """Read and decode the images of a split; those that cannot be used are told and left out.

    Raises:
        InputError: no image of one of the classes can be used.
    """
    held = np.empty((len(part.refs), pixels.size, pixels.size, 3), np.uint8)
    usable: list[ImageRef] = []
    failures: list[Failure] = []
    for batch in read_pixels(part.refs, pixels):
        held[len(usable) : len(usable) + len(batch.refs)] = batch.pixels
        usable += batch.refs
        failures += batch.failures
    lost = sorted({str(ref.label) for ref in part.refs} - {str(ref.label) for ref in usable})
    if lost:
        raise InputError(
            f"no image of class {lost[0]!r} in split {part.split!r} can be used: "
            f"{shown_failure(failures[0])}"
        )
    if failures:
        log(f"{part.split}: {left_out(failures)}")
    ids = tuple(ref.image_id for ref in usable)
    return ImageSet(ids, held[: len(usable)], part.targets(usable), tuple(failures))
