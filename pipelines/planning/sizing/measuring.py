"""What a worker does here, measured on some images: rates, start-up, memory and stored bytes."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.contract import Augmentation
from pipelines.engines.bottleneck import Waits
from pipelines.engines.conversions import CONVERTED_FOLDER
from pipelines.engines.kinds import CONVERTING
from pipelines.engines.opening import open_conversion, open_engine
from pipelines.engines.request import EngineRequest
from pipelines.engines.trial import TimedEngine
from pipelines.errors import UsageError
from pipelines.images.decode import PixelSpec, pixel_spec
from pipelines.planning.shard_sizes import ShardSizes
from pipelines.planning.sizing.rehearsal import Rehearsed, rehearse
from pipelines.planning.sizing.stages import time_decoding, time_encoding
from pipelines.planning.sizing.stand_ins import repeat_images, spread_images
from pipelines.records import FeatureBlock, ImageRef
from pipelines.stores.reading import MAX_IMAGE_BYTES
from pipelines.system.cache import cache_folder
from pipelines.system.cores import usable_cores

SAMPLE = 64
"""Images and copies on which decoding, the engine and encoding are timed apart."""

ENGINE_ROUNDS = 6
"""Batches of that sample by which the engine is timed."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one worker does.

    Attributes:
        engine: that ran the base.
        cores: that it used.
        images_per_second: in the steady state of a run, files to feature files.
        engine_images_per_second: of the base alone.
        decoded_per_second: images and copies that a core reads and makes ready.
        encoded_per_second: rows that a core encodes and writes.
        startup_seconds: of a run besides the steady state: its process, the engine, the runner and
            the commit.
        part_seconds: of that, what every further part (`--commit_every`) takes again.
        waits: where the worker's time went.
        feature_length: features an image.
        row_bytes: bytes of a file, a row.
        shards: how large a run makes them.
        peak_bytes: memory of the process.
        cold_seconds: that a worker takes longer to start where the base is not converted yet.
        cold_bytes: memory of a process that has to convert it.
        engine_bytes: of the converted base on disk; 0 for Keras, which loads the weights.
        image_bytes: of an image's file, on average.
    """

    engine: str
    cores: int
    images_per_second: float
    engine_images_per_second: float
    decoded_per_second: float
    encoded_per_second: float
    startup_seconds: float
    part_seconds: float
    waits: Waits
    feature_length: int
    row_bytes: float
    shards: ShardSizes
    peak_bytes: int
    cold_seconds: float
    cold_bytes: int
    engine_bytes: int
    image_bytes: float = 0.0


def measure(
    refs: Sequence[ImageRef],
    request: EngineRequest,
    shards: ShardSizes,
    augmentation: Augmentation,
    seconds: float,
    max_image_bytes: int = MAX_IMAGE_BYTES,
) -> Measured:
    """Measure on images like those that are to be extracted.

    Args:
        refs: the images and copies; each is taken as often as it takes.
        request: the engine, chosen.
        shards: how large a run makes them.
        augmentation: how copies are made.
        seconds: about how long the steady state is watched.
        max_image_bytes: most that an image's file may have.

    Raises:
        UsageError: none of the images looked at can be used.
        RehearsalError: a trial extraction failed.
    """
    cores = request.threads or usable_cores()
    sample = spread_images(refs, SAMPLE)
    spec = pixel_spec(request.contract, augmentation, max_image_bytes)
    loaded, decoded = time_decoding(sample, spec, cores)
    if not loaded:
        raise UsageError(
            f"none of the {len(sample)} images looked at can be used; "
            "pipelines.extract says why, for each"
        )
    engine = open_engine(request)
    alone = TimedEngine(engine, np.stack([each.pixels for each in loaded]))
    engine_rate = max(alone.round() for _ in range(ENGINE_ROUNDS))
    block = FeatureBlock([each.source for each in loaded], alone.features)
    encoded, lone_row = time_encoding(block, request, engine)

    likely = 1.0 / (1.0 / engine_rate + 1.0 / (cores * decoded))
    batch = request.batch_size
    many = max(3, round(seconds * likely / batch)) * batch
    asked = (request, shards.most, spec)
    first = rehearse(repeat_images(refs, batch), *asked)
    long = rehearse(repeat_images(refs, many), *asked)
    cold = _rehearse_cold(repeat_images(refs, batch), *asked)
    each_image = _seconds_an_image(first, long)
    peak = max(first.peak_bytes, long.peak_bytes)
    return Measured(
        engine=request.name,
        cores=cores,
        images_per_second=1.0 / each_image,
        engine_images_per_second=engine_rate,
        decoded_per_second=decoded,
        encoded_per_second=encoded,
        startup_seconds=max(0.0, long.seconds - each_image * many),
        part_seconds=max(0.0, long.extract_seconds - each_image * many),
        waits=long.waits,
        feature_length=long.feature_length,
        # The same image again compresses to nothing beside itself.
        row_bytes=long.stored_bytes / long.rows if many <= len(refs) else lone_row,
        shards=shards,
        peak_bytes=peak,
        cold_seconds=0.0 if cold is None else max(0.0, cold.seconds - first.seconds),
        cold_bytes=peak if cold is None else max(peak, cold.peak_bytes),
        engine_bytes=_engine_bytes(request),
        image_bytes=sum(each.source.bytes for each in loaded) / len(loaded),
    )


def _rehearse_cold(
    refs: Sequence[ImageRef], request: EngineRequest, shard_rows: int, pixels: PixelSpec
) -> Rehearsed | None:
    if request.name not in CONVERTING:
        return None
    with tempfile.TemporaryDirectory(prefix="frozen-features-") as folder:
        if cache_folder().is_dir():
            for entry in cache_folder().iterdir():  # the weights are there, as in a worker's image
                if entry.name != CONVERTED_FOLDER:
                    (Path(folder) / entry.name).symlink_to(entry.resolve())
        return rehearse(refs, request, shard_rows, pixels, Path(folder))


def _seconds_an_image(first: Rehearsed, long: Rehearsed) -> float:
    more = long.rows + long.failures - first.rows - first.failures
    taken = long.extract_seconds - first.extract_seconds
    # Noise may make one batch seem slower than many; then all of the time is held for steady.
    return taken / more if taken > 0 else long.extract_seconds / (long.rows + long.failures)


def _engine_bytes(request: EngineRequest) -> int:
    if request.name not in CONVERTING:
        return 0
    return sum(path.stat().st_size for path in Path(open_conversion(request)).iterdir())
