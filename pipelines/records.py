"""The values that flow through a run: an image, a shard of them, rows of features, a failure.

A row of the table is an image or one of its augmented copies. Inside a run it goes by one string,
its name: the image's id, and for a copy the id, NUL and the copy's number. So a run with no copies
handles ids, and ten million names take no more memory than ten million ids.

So it is with the labels of an image that may have several: inside a run they are one string, NUL
before each; only the table and the reports take them apart.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One image as the input names it, before its bytes are read, or an augmented copy of it.

    Attributes:
        image_id: stable id, unique in the input: path relative to the root, or the manifest's `id`;
            without NUL.
        uri: where the bytes are.
        label: class name; what `as_label` makes of several; None when unlabelled.
        split: name of the split the image belongs to.
        bytes: size in bytes when listed; 0 also where only reading it tells.
        modified: time of last change when listed, microseconds since the epoch (UTC).
        changed: like `modified`, but of the file's attributes too, which no tool can set back.
        copy: 0 for the image itself, 1 and up for its augmented copies.
        group: what it has in common with others that must not be told apart by a split: a patient,
            a product, a video; None where the input says none.
    """

    image_id: str
    uri: str
    label: str | None
    split: str
    bytes: int
    modified: int
    changed: int
    copy: int = 0
    group: str | None = None

    @property
    def name(self) -> str:
        """What the row goes by inside a run."""
        return row_name(self.image_id, self.copy)


@dataclass(frozen=True, slots=True)
class Shard:
    """The unit of work: images of one split that end in one Parquet file of each of its tables.

    Attributes:
        name: names the files, together with the attempt that writes them.
        split: the one split of all `refs`.
        refs: the images and copies, in the order in which they are best read, an image's copies
            ascending.
        tables: places, ascending, of the tables that want these rows, among those of the run.
    """

    name: str
    split: str
    refs: Sequence[ImageRef]
    tables: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Failure:
    """One image that could not be used, and why.

    Attributes:
        ref: the image.
        sha256: hash of its bytes, hexadecimal; None when they could not be read.
        stage: "read", "decode" or "extract".
        error: class of the error.
        message: what it said, one line.
        lasting: True when the same bytes would fail again, so that a rerun skips them.
    """

    ref: ImageRef
    sha256: str | None
    stage: str
    error: str
    message: str
    lasting: bool


@dataclass(frozen=True, slots=True)
class SourceImage:
    """What a row says of the image its features came from.

    Attributes:
        ref: the image as listed.
        sha256: hash of the bytes that were decoded, hexadecimal.
        bytes: how many bytes those were.
        width: in pixels, before resizing.
        height: in pixels, before resizing.
    """

    ref: ImageRef
    sha256: str
    bytes: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class FeatureBlock:
    """Rows on their way to a file.

    Attributes:
        sources: the images, in row order.
        features: float32 (rows, length), each row flattened in C order.
    """

    sources: Sequence[SourceImage]
    features: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Extracted:
    """One engine batch.

    Attributes:
        block: the rows it gave, in input order; never more than the engine's batch.
        failures: images met on the way that could not be used.
    """

    block: FeatureBlock
    failures: tuple[Failure, ...]


FAR = 0.25
"""From which median difference on a user is warned. A linear head on a trained MobileNetV2 lost
nothing at 0.22, and 1.1 points of accuracy at 0.53 (docs/engines.md)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Of features in int8 from float32's, image by image, relative (L2), on images held out.

    Attributes:
        median: over the images.
        largest: of any image.
        images: how many.
    """

    median: float
    largest: float
    images: int

    @property
    def is_far(self) -> bool:
        """Whether a head's accuracy on them wants looking at; true where it is no number."""
        return not self.median < FAR

    def as_json(self) -> dict[str, float | int | None]:
        """For a commit's record; what is no finite number, which JSON has not, is null."""
        finite = {
            name: value if math.isfinite(value) else None
            for name, value in (("median", self.median), ("largest", self.largest))
        }
        return {**finite, "images": self.images}

    def __str__(self) -> str:
        """For messages."""
        return (
            f"{100 * self.median:.1f} % in the median and {100 * self.largest:.1f} % at most "
            f"on {self.images} images"
        )


def row_name(image_id: str, copy: int) -> str:
    """The name of a row, by its image's id and the number of the copy."""
    return f"{image_id}\0{copy}" if copy else image_id


def as_label(labels: Sequence[str]) -> str:
    """The one string that several labels of an image are inside a run, or that it has none of any.

    Args:
        labels: class names, without NUL.
    """
    return "".join(f"\0{label}" for label in labels) or "\0"


def labels_of(label: str | None) -> tuple[str, ...] | None:
    """The labels of an image that may have several; None for one that has a label or none.

    Args:
        label: as in `ImageRef`.
    """
    if label is None or not label.startswith("\0"):
        return None
    return tuple(label[1:].split("\0")) if len(label) > 1 else ()


def shown_label(label: str | None) -> str | None:
    """A label as people read it; several are divided by commas."""
    labels = labels_of(label)
    return label if labels is None else ", ".join(labels)


def image_of(name: str) -> str:
    """The id of the image that a row is of, by the row's name."""
    return name.partition("\0")[0]


def copy_of(name: str) -> int:
    """The number of the copy that a row is, by the row's name; 0 for the image itself."""
    return int(name.partition("\0")[2] or 0)


def is_copy(name: str) -> bool:
    """Whether a row is an augmented copy, by its name."""
    return "\0" in name


def shown_name(name: str) -> str:
    """A row's name for people."""
    image_id, _, copy = name.partition("\0")
    return f"{image_id} (copy {copy})" if copy else image_id


def storable(text: str) -> str:
    r"""A name that any file format can hold: bytes that are not UTF-8 become `\xNN`."""
    if text.isascii():  # which is known without looking, of millions of names
        return text
    return os.fsencode(text).decode("utf-8", "backslashreplace")
