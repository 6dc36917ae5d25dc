"""From an image's name to its pixels: read, hashed and decoded, or a failure that says why not.

Copies of one image that follow each other are made of one decoding.
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from pipelines.errors import ImageError
from pipelines.images.augmentation import augment
from pipelines.images.decode import PixelSpec, decode_image
from pipelines.records import Failure, ImageRef, SourceImage
from pipelines.stores.objects import TooLargeError
from pipelines.stores.places import is_remote
from pipelines.stores.reading import read_bytes
from pipelines.system.threads import map_ahead

STORE_READERS = 16
"""Objects asked for at once: a store answers after tens of milliseconds, decoding takes four."""

READ_BYTES = 256 << 20
"""Most bytes of objects that wait to be decoded, and that are asked for before these."""

UNKNOWN_BYTES = READ_BYTES // STORE_READERS
"""What an image counts whose size only reading it tells."""


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """An image whose pixels are ready: uint8 (size, size, 3), RGB."""

    source: SourceImage
    pixels: npt.NDArray[np.uint8]


def load_images(
    refs: Iterable[ImageRef], pixels: PixelSpec, threads: int, ahead: int
) -> Iterator[LoadedImage | Failure]:
    """Read and decode images on threads, about `ahead` before the consumer, in order.

    Args:
        refs: the images and copies.
        pixels: how to decode.
        threads: that decode, and read too where that takes no waiting.
        ahead: images; by as many rows more as an image has copies.
    """
    return (each for (each,) in load_in_sizes(refs, [pixels], threads, ahead))


def load_in_sizes(
    refs: Iterable[ImageRef], sizes: Sequence[PixelSpec], threads: int, ahead: int
) -> Iterator[tuple[LoadedImage | Failure, ...]]:
    """Load images as `load_images` does, decoded in several ways of what is read once.

    Args:
        refs: the images and copies.
        sizes: how to decode; each another way.
        threads: that decode, and read too where that takes no waiting.
        ahead: images; by as many rows more as an image has copies.

    Yields:
        A row at a time, in each of `sizes`.
    """
    grouped = (list(rows) for _, rows in itertools.groupby(refs, attrgetter("image_id")))
    first = list(itertools.islice(grouped, 1))
    images = itertools.chain(first, grouped)
    if not first:
        return iter(())
    ahead = max(1, ahead // len(first[0]))
    most = max(pixels.max_bytes for pixels in sizes)
    if not is_remote(first[0][0].uri):
        loaded = map_ahead(
            lambda rows: _decode_in(sizes, rows, read_image(rows[0], most)),
            images,
            threads,
            ahead,
            "decode",
        )
        return itertools.chain.from_iterable(loaded)
    readers = max(threads, STORE_READERS)
    read = map_ahead(
        lambda rows: (rows, read_image(rows[0], most)),
        images,
        readers,
        max(ahead, readers),
        "read",
        lambda rows: rows[0].bytes or UNKNOWN_BYTES,
        READ_BYTES,
    )
    loaded = map_ahead(
        lambda each: _decode_in(sizes, *each),
        read,
        threads,
        ahead,
        "decode",
        lambda each: 0 if isinstance(each[1], Failure) else len(each[1].data),
        READ_BYTES,
    )
    return itertools.chain.from_iterable(loaded)


def _decode_in(
    sizes: Sequence[PixelSpec], refs: Sequence[ImageRef], read: "ReadImage | Failure"
) -> list[tuple[LoadedImage | Failure, ...]]:
    return list(zip(*(decode_rows(refs, read, pixels) for pixels in sizes), strict=True))


def load_image(ref: ImageRef, pixels: PixelSpec) -> LoadedImage | Failure:
    """Read and decode one image or copy; what goes wrong with it becomes its failure."""
    (loaded,) = load_rows([ref], pixels)
    return loaded


def load_rows(refs: Sequence[ImageRef], pixels: PixelSpec) -> list[LoadedImage | Failure]:
    """Read and decode one image, and make what rows are wanted of it and its copies."""
    return decode_rows(refs, read_image(refs[0], pixels.max_bytes), pixels)


@dataclass(frozen=True, slots=True)
class ReadImage:
    """An image's file, read and not yet decoded."""

    ref: ImageRef
    data: bytes


def read_image(ref: ImageRef, most: int) -> ReadImage | Failure:
    """Read one image's file or object, of at most so many bytes."""
    try:
        return ReadImage(ref, read_bytes(ref.uri, most))
    except TooLargeError as error:
        hint = "--max_image_bytes of extract allows more, and --retry_failures tries it again"
        message = f"{error.strerror}; {hint}"
        return Failure(ref, None, "read", "TooLargeError", message, lasting=True)
    except OSError as error:
        message = error.strerror or str(error)
        return Failure(ref, None, "read", type(error).__name__, message, lasting=False)


def decode_rows(
    refs: Sequence[ImageRef], read: ReadImage | Failure, pixels: PixelSpec
) -> list[LoadedImage | Failure]:
    """Make the rows that are wanted of one image that was read; all share its failure."""
    decoded = decode_read(read, pixels)
    if isinstance(decoded, Failure):
        return [replace(decoded, ref=ref) for ref in refs]
    return [_row(ref, decoded, pixels) for ref in refs]


def _row(ref: ImageRef, image: LoadedImage, pixels: PixelSpec) -> LoadedImage:
    source = replace(image.source, ref=ref)
    if not ref.copy:
        return LoadedImage(source, image.pixels)
    if pixels.augmentation is None:
        raise ValueError(f"copy {ref.copy} of {ref.image_id!r} is wanted, and no way to make it")
    return LoadedImage(source, augment(image.pixels, pixels.augmentation, ref.image_id, ref.copy))


def decode_read(read: ReadImage | Failure, pixels: PixelSpec) -> LoadedImage | Failure:
    """Decode what was read; a failure stays what it is."""
    if isinstance(read, Failure):
        return read
    ref, data = read.ref, read.data
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        decoded = decode_image(data, pixels)
    except ImageError as error:
        cause = type(error.__cause__ or error).__name__
        return Failure(ref, sha256, "decode", cause, str(error), lasting=True)
    except MemoryError as error:
        return Failure(ref, sha256, "decode", "MemoryError", str(error), lasting=False)
    source = SourceImage(ref, sha256, len(data), decoded.width, decoded.height)
    return LoadedImage(source, decoded.pixels)
