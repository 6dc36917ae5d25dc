"""The extraction core: images are read and decoded ahead on threads while the base runs.

Plain Python, no Beam: the pipeline's workers call it, and so does predicting straight from images.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pipelines.cores import usable_cores
from pipelines.decode import PixelSpec, decode_image
from pipelines.engines.engine import Engine
from pipelines.errors import ImageError
from pipelines.halving import run_batch
from pipelines.reading import read_bytes
from pipelines.records import Failure, FeatureBlock, ImageRef, SourceImage
from pipelines.waiting import BaseClock

_In = TypeVar("_In")
_Out = TypeVar("_Out")

BATCHES_AHEAD = 2
"""Batches of decoded images held while the base runs; bounds memory whatever the input's size."""

IN_BASE = 2
"""Batches handed to the engine at once: it goes from one to the next without a pause."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """One engine batch.

    Attributes:
        block: the rows it gave, in input order; never more than the engine's batch.
        failures: images met on the way that could not be used.
    """

    block: FeatureBlock
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """An image whose pixels are ready: uint8 (size, size, 3), RGB."""

    source: SourceImage
    pixels: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """Images for one call of the engine, and failures met while they were gathered."""

    images: list[LoadedImage]
    failures: list[Failure]


def extract_images(
    refs: Iterable[ImageRef],
    engine: Engine,
    pixels: PixelSpec,
    threads: int | None = None,
    clock: BaseClock | None = None,
) -> Iterator[Extracted]:
    """Run images through the base in full batches, in the order given.

    A failed image leaves its place in the batch to the next one, so only the last batch is short.
    While one batch is in the base another waits before it, so the base never stands still because
    of what the caller does with a batch.

    Args:
        refs: the images.
        engine: the base.
        pixels: how to decode for it.
        threads: reading and decoding threads; as many as cores when None.
        clock: counts what the base waits for.

    Yields:
        A batch at a time; `engine.batch_size` rows each but for the last.
    """
    clock = clock or BaseClock()

    def load(ref: ImageRef) -> LoadedImage | Failure:
        return load_image(ref, pixels)

    def run(batch: LoadedBatch) -> Extracted:
        with clock.base():
            return run_images(batch, engine)

    ahead = engine.batch_size * BATCHES_AHEAD
    images = map_ahead(load, refs, threads or usable_cores(), ahead, "decode")
    batches = fill_batches(images, engine)
    for extracted in map_ahead(run, batches, IN_BASE, IN_BASE, "extract"):
        with clock.writing():
            yield extracted


def fill_batches(images: Iterable[LoadedImage | Failure], engine: Engine) -> Iterator[LoadedBatch]:
    """Gather images into batches as large as the engine takes them at that moment."""
    loaded: list[LoadedImage] = []
    failures: list[Failure] = []
    for each in images:
        if isinstance(each, Failure):
            failures.append(each)
            continue
        loaded.append(each)
        if len(loaded) >= engine.batch_size:
            yield LoadedBatch(loaded, failures)
            loaded, failures = [], []
    if loaded or failures:
        yield LoadedBatch(loaded, failures)


def load_image(ref: ImageRef, pixels: PixelSpec) -> LoadedImage | Failure:
    """Read and decode one image; what goes wrong with it becomes its failure."""
    try:
        data = read_bytes(ref.uri)
    except OSError as error:
        message = error.strerror or str(error)
        return Failure(ref, None, "read", type(error).__name__, message, lasting=False)
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


def map_ahead(
    function: Callable[[_In], _Out],
    items: Iterable[_In],
    threads: int,
    ahead: int,
    name: str = "ahead",
) -> Iterator[_Out]:
    """Apply a function on threads, at most `ahead` items before the consumer, results in order."""
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        waiting: deque[Future[_Out]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def run_images(batch: LoadedBatch, engine: Engine) -> Extracted:
    """Run one batch; an image that the engine fails on becomes its failure."""
    loaded, failures = batch.images, batch.failures
    if not loaded:
        return Extracted(FeatureBlock([], np.zeros((0, 0), np.float32)), tuple(failures))
    result = run_batch(engine, np.stack([each.pixels for each in loaded]))
    faults = [
        Failure(
            loaded[place].source.ref,
            loaded[place].source.sha256,
            "extract",
            fault.error,
            fault.message,
            fault.lasting,
        )
        for place, fault in sorted(result.faults.items())
    ]
    block = FeatureBlock([loaded[place].source for place in result.kept], result.features)
    return Extracted(block, (*failures, *faults))
