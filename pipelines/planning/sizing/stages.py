"""How fast a worker decodes and encodes, each timed apart from the other stages."""

import itertools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pipelines.engines.engine import Engine
from pipelines.engines.request import EngineRequest
from pipelines.images.decode import PixelSpec
from pipelines.images.loading import LoadedImage, load_rows
from pipelines.records import FeatureBlock, ImageRef
from pipelines.system.threads import map_ahead
from pipelines.table.files import FeatureFileWriter
from pipelines.table.receipts import Receipt
from pipelines.table.storage import open_storage

DECODE_SECONDS = 1.5
ENCODE_SECONDS = 0.5


def time_decoding(
    images: Sequence[Sequence[ImageRef]], spec: PixelSpec, cores: int
) -> tuple[list[LoadedImage], float]:
    """Decode images again and again.

    Args:
        images: each with its copies.
        spec: how to decode.
        cores: that decode at once.

    Returns:
        What could be used of the images and copies, and how many of them a core decodes a second.
    """
    loaded: list[LoadedImage] = []
    done, started, taken = 0, time.perf_counter(), 0.0
    while taken < DECODE_SECONDS:
        decoded = map_ahead(
            lambda rows: load_rows(rows, spec), images, cores, len(images), "decode"
        )
        met = list(itertools.chain.from_iterable(decoded))
        loaded = loaded or [each for each in met if isinstance(each, LoadedImage)]
        done, taken = done + len(met), time.perf_counter() - started
    return loaded, done / taken / cores


def time_encoding(
    block: FeatureBlock, request: EngineRequest, engine: Engine
) -> tuple[float, float]:
    """Write features again and again; returns rows a second, and bytes of a row among others."""
    text = request.contract.canonical_json()
    receipt = Receipt("plan", "0", "none", 0, text, engine.feature_shape, engine.name, "", ())
    with tempfile.TemporaryDirectory(prefix="frozen-features-") as folder:

        def write(name: str, seconds: float) -> tuple[int, float]:
            started, taken = time.perf_counter(), 0.0
            with FeatureFileWriter(open_storage(folder), name, request.contract) as writer:
                while taken < seconds:
                    writer.write(block)
                    taken = time.perf_counter() - started
                writer.close(receipt)
            return (Path(folder) / name).stat().st_size, writer.rows / (
                time.perf_counter() - started
            )

        empty, _ = write("none.parquet", 0.0)
        once, _ = write("once.parquet", 1e-9)
        _, rate = write("many.parquet", ENCODE_SECONDS)
    return rate, (once - empty) / len(block.sources)
