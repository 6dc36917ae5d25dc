"""The extraction core: images are read and decoded ahead on threads while the base runs.

Plain Python, no Beam: the pipeline's workers call it, and so does predicting straight from images.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.engines.bottleneck import BaseClock
from pipelines.engines.engine import Engine
from pipelines.engines.halving import run_batch
from pipelines.images.decode import PixelSpec
from pipelines.images.loading import LoadedImage, load_in_sizes
from pipelines.records import Extracted, Failure, FeatureBlock, ImageRef
from pipelines.system.cores import usable_cores
from pipelines.system.threads import map_ahead

BATCHES_AHEAD = 2
"""Batches of decoded images held while the base runs; bounds memory whatever the input's size."""

IN_BASE = 2
"""Batches handed to the engine at once: it goes from one to the next without a pause."""


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
    for (extracted,) in extract_by_all(refs, [(engine, pixels)], threads, clock):
        yield extracted


def extract_by_all(
    refs: Iterable[ImageRef],
    bases: Sequence[tuple[Engine, PixelSpec]],
    threads: int | None = None,
    clock: BaseClock | None = None,
) -> Iterator[tuple[Extracted, ...]]:
    """Run images through several bases, as `extract_images` does through one.

    Each image is read once, and decoded once for all bases that take the same pixels.

    Args:
        refs: the images.
        bases: engines, and how to decode for each.
        threads: reading and decoding threads; as many as cores when None.
        clock: counts what the bases wait for; made for so many.

    Yields:
        A batch at a time, by each of `bases`.
    """
    clock = clock or BaseClock(bases=len(bases))
    sizes = list(dict.fromkeys(pixels for _, pixels in bases))
    engines = [(engine, sizes.index(pixels)) for engine, pixels in bases]

    def run(batches: tuple[LoadedBatch, ...]) -> tuple[Extracted, ...]:
        extracted = []
        for base, (engine, size) in enumerate(engines):
            with clock.base(base):
                extracted.append(run_images(batches[size], engine))
        return tuple(extracted)

    ahead = max(engine.batch_size for engine, _ in engines) * BATCHES_AHEAD
    images = load_in_sizes(refs, sizes, threads or usable_cores(), ahead)
    filled = fill_batches(images, [engine for engine, _ in engines])
    for extracted in map_ahead(run, filled, IN_BASE, IN_BASE, "extract"):
        with clock.writing():
            yield extracted


def fill_batches(
    images: Iterable[tuple[LoadedImage | Failure, ...]], engines: Sequence[Engine]
) -> Iterator[tuple[LoadedBatch, ...]]:
    """Gather images, in each of their sizes, into batches as large as engines take them by then.

    An engine that takes fewer than another gets its batch in halves.
    """
    batches: tuple[LoadedBatch, ...] = ()
    for sizes in images:
        batches = batches or tuple(LoadedBatch([], []) for _ in sizes)
        for batch, each in zip(batches, sizes, strict=True):
            if isinstance(each, Failure):
                batch.failures.append(each)
            else:
                batch.images.append(each)
        if max(len(batch.images) for batch in batches) >= max(e.batch_size for e in engines):
            yield batches
            batches = ()
    if batches:
        yield batches


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
            # What is known to fail is known by its image, which a copy's own fault says nothing of.
            fault.lasting and not loaded[place].source.ref.copy,
        )
        for place, fault in sorted(result.faults.items())
    ]
    block = FeatureBlock([loaded[place].source for place in result.kept], result.features)
    return Extracted(block, (*failures, *faults))
