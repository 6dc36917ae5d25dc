"""Reading images in batches: decoded ahead on threads, in order; a bad one costs itself only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from classifiers.data.encoding import encode, left_out_line, no_class_known, unknown_classes
from classifiers.data.training_set import Batch
from pipelines.cli import log
from pipelines.errors import InputError
from pipelines.images.decode import PixelSpec
from pipelines.images.loading import load_images
from pipelines.records import Failure, ImageRef, shown_label
from pipelines.records import labels_of as several_labels
from pipelines.system.cores import usable_cores

READ_BATCH = 32
"""Images read, judged and measured together."""


@dataclass(frozen=True, slots=True)
class PixelBatch:
    """Images that were read together.

    Attributes:
        refs: those that can be used.
        pixels: uint8 (len(refs), size, size, 3), RGB, 0–255.
        failures: the others.
    """

    refs: list[ImageRef]
    pixels: npt.NDArray[np.uint8]
    failures: list[Failure]


@dataclass(frozen=True, slots=True)
class LabelledRefs:
    """The labelled images of a split, not yet read.

    Attributes:
        split: its name.
        refs: the images, ascending by id.
        classes: names by number.
    """

    split: str
    refs: tuple[ImageRef, ...]
    classes: tuple[str, ...]

    def targets(self, refs: Sequence[ImageRef]) -> npt.NDArray[np.int64]:
        """Class numbers (n,) of some of the images."""
        return encode(labels_of(refs), self.classes)[0]

    def batches(self, pixels: PixelSpec, failures: list[Failure]) -> Iterator[Batch]:
        """Read all images once, in order: float32 (n, size, size, 3), 0–255, and targets.

        Args:
            pixels: how to decode.
            failures: images that cannot be used are added to it.

        Raises:
            InputError: not one can be used.
        """
        for batch in read_pixels(self.refs, pixels):
            failures += batch.failures
            if batch.refs:
                yield batch.pixels.astype(np.float32), self.targets(batch.refs)
        self.require_some(failures)

    def require_some(self, failures: Sequence[Failure]) -> None:
        """Refuse a split of which no image can be used.

        Args:
            failures: of its images.

        Raises:
            InputError: they are all of them.
        """
        if len(failures) == len(self.refs):
            first = shown_failure(failures[0])
            raise InputError(f"no image of split {self.split!r} can be used: {first}")


def read_pixels(refs: Sequence[ImageRef], pixels: PixelSpec) -> Iterator[PixelBatch]:
    """Read images, `READ_BATCH` at a time."""
    threads = usable_cores()
    loaded = load_images(refs, pixels, threads, 2 * READ_BATCH)
    while batch := list(islice(loaded, READ_BATCH)):
        failures = [each for each in batch if isinstance(each, Failure)]
        usable = [each for each in batch if not isinstance(each, Failure)]
        shape = (len(usable), pixels.size, pixels.size, 3)
        together = np.array([each.pixels for each in usable], np.uint8).reshape(shape)
        yield PixelBatch([each.source.ref for each in usable], together, failures)


def of_split(refs: Sequence[ImageRef], split: str, option: str | None = None) -> list[ImageRef]:
    """The images of a split.

    Args:
        refs: images of all splits.
        split: the split wanted.
        option: that names the split, for the complaint.

    Raises:
        InputError: there are none.
    """
    found = [ref for ref in refs if ref.split == split]
    if not found:
        there = ", ".join(sorted({ref.split for ref in refs}))
        name = f"; name one with {option}" if option else ""
        raise InputError(f"no images of split {split!r}, there are {there}{name}")
    return found


def labelled(refs: Sequence[ImageRef], split: str, classes: tuple[str, ...]) -> LabelledRefs:
    """The images of a split that are of some classes; of others are left out, which is told.

    Raises:
        InputError: there is no image of that split.
        TableError: none is of one of the classes.
    """
    found = of_split(refs, split)
    unknown = unknown_classes(labels_of(found), classes)
    usable = tuple(ref for ref in found if ref.label in classes)
    if not usable:
        raise no_class_known(split, unknown, classes)
    if unknown:
        log(left_out_line(split, unknown))
    return LabelledRefs(split, usable, classes)


def labels_of(refs: Sequence[ImageRef]) -> npt.NDArray[np.object_]:
    """Class names (n,), None where an image has none.

    Raises:
        InputError: an image has several.
    """
    for ref in refs:
        if several_labels(ref.label) is not None:
            raise InputError(
                f"{ref.image_id!r} has several labels ({shown_label(ref.label)}), and heads tell "
                "classes apart of which an image has one; --label_column names a column of those"
            )
    return np.array([ref.label for ref in refs], dtype=object)


def left_out(failures: Sequence[Failure]) -> str:
    """One line on images that cannot be used."""
    more = f", and {len(failures) - 1} more" if len(failures) > 1 else ""
    return f"left out, because it cannot be used: {shown_failure(failures[0])}{more}"


def shown_failure(failure: Failure) -> str:
    """An image that cannot be used, and why."""
    return f"{failure.ref.image_id} ({failure.message})"
