"""From an image's name to its pixels: read, hashed and decoded, or a failure that says why not."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.ahead import map_ahead
from pipelines.decode import PixelSpec, decode_image
from pipelines.errors import ImageError
from pipelines.reading import read_bytes
from pipelines.records import Failure, ImageRef, SourceImage
from pipelines.stores.places import is_remote

STORE_READERS = 16
"""Objects asked for at once: a store answers after tens of milliseconds, decoding takes four."""


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """An image whose pixels are ready: uint8 (size, size, 3), RGB."""

    source: SourceImage
    pixels: npt.NDArray[np.uint8]


def load_images(
    refs: Iterable[ImageRef], pixels: PixelSpec, threads: int, ahead: int
) -> Iterator[LoadedImage | Failure]:
    """Read and decode images on threads, at most `ahead` before the consumer, in order.

    Args:
        refs: the images.
        pixels: how to decode.
        threads: that decode, and read too where that takes no waiting.
        ahead: images.
    """
    rest = iter(refs)
    first = list(itertools.islice(rest, 1))
    refs = itertools.chain(first, rest)
    if not first or not is_remote(first[0].uri):
        return map_ahead(lambda ref: load_image(ref, pixels), refs, threads, ahead, "decode")
    readers = max(threads, STORE_READERS)
    read = map_ahead(read_image, refs, readers, max(ahead, readers), "read")
    return map_ahead(lambda each: decode_read(each, pixels), read, threads, ahead, "decode")


def load_image(ref: ImageRef, pixels: PixelSpec) -> LoadedImage | Failure:
    """Read and decode one image; what goes wrong with it becomes its failure."""
    return decode_read(read_image(ref), pixels)


@dataclass(frozen=True, slots=True)
class ReadImage:
    """An image's file, read and not yet decoded."""

    ref: ImageRef
    data: bytes


def read_image(ref: ImageRef) -> ReadImage | Failure:
    """Read one image's file or object."""
    try:
        return ReadImage(ref, read_bytes(ref.uri))
    except OSError as error:
        message = error.strerror or str(error)
        return Failure(ref, None, "read", type(error).__name__, message, lasting=False)


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
