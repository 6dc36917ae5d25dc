"""Running bases over a sample of images: features, their worth, and what they cost."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from classifiers.choosing.accuracy import Question, best_linear_head
from classifiers.choosing.candidates import Maps
from classifiers.choosing.engines import Engines
from classifiers.data.memory import MemoryBudget, show_size
from classifiers.data.pooled import pool
from classifiers.searching.findings import Finding
from pipelines.cli import log
from pipelines.engines.engine import Engine
from pipelines.engines.kinds import KERAS
from pipelines.planning.job import FeatureChoice
from pipelines.records import ImageRef
from pipelines.system.gpus import visible_gpus

Pixels = npt.NDArray[np.uint8]
Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trial:
    """What some features are worth, and what they cost.

    Attributes:
        choice: which features.
        engine: what ran the base.
        length: features an image.
        images: how many were tried.
        finding: the accuracy of a linear head on them.
        base_per_second: images a second, of the base alone.
        decoded_per_second: images a second that all cores read and decode.
    """

    choice: FeatureChoice
    engine: str
    length: int
    images: int
    finding: Finding
    base_per_second: float
    decoded_per_second: float

    @property
    def images_per_second(self) -> float:
        """Of the whole: on a GPU the slower of the two bounds it, on a CPU they share the cores."""
        if self.engine == KERAS and visible_gpus():
            return min(self.base_per_second, self.decoded_per_second)
        return 1.0 / (1.0 / self.base_per_second + 1.0 / self.decoded_per_second)

    @property
    def row_bytes(self) -> int:
        """Of the features of an image, as they are before they are compressed."""
        return 4 * self.length


@dataclass(frozen=True, slots=True)
class Sample:
    """Images that are tried, decoded at one size.

    Attributes:
        refs: the images.
        pixels: uint8 (n, size, size, 3).
        decoded_per_second: how many all cores read and decoded a second.
    """

    refs: tuple[ImageRef, ...]
    pixels: Pixels
    decoded_per_second: float


def try_maps(
    maps: Maps, sample: Sample, question: Question, engines: Engines, budget: MemoryBudget
) -> Iterator[Trial]:
    """Run one base up to one layer, and try what every pooling makes of it.

    Args:
        maps: the base, the layer and the poolings.
        sample: the images.
        question: what the features are asked.
        engines: opens the base.
        budget: most memory for features; what needs more is left out, and told of.
    """
    choice = maps.choice
    engine = engines.open(choice, sample.refs)
    shape, images = engine.feature_shape, len(sample.pixels)
    held: dict[str, Features] = {}
    for pooling in maps.poolings:
        if pooling != "none" and len(shape) != 3:
            log(f"{choice.base} {choice.layer} has no height and width to pool over by {pooling}")
            continue
        length = int(np.prod(shape)) if pooling == "none" else shape[-1]
        taken = 4 * images * length
        if taken + sum(each.nbytes for each in held.values()) > budget.size:
            log(
                f"{choice.base} {choice.layer} {pooling} is left out: {images} x {length:,} "
                f"features take {show_size(taken)}, and {show_size(budget.size)} "
                f"({budget.reason}) are allowed"
            )
            continue
        held[pooling] = np.empty((images, length), np.float32)
    if not held:
        return
    rate = _fill(held, engine, sample.pixels)
    for pooling in list(held):
        yield Trial(
            choice=replace(choice, pooling=pooling),
            engine=engine.name,
            length=held[pooling].shape[1],
            images=images,
            finding=best_linear_head(held.pop(pooling), question),
            base_per_second=rate,
            decoded_per_second=sample.decoded_per_second,
        )


def _fill(held: dict[str, Features], engine: Engine, pixels: Pixels) -> float:
    """Run all images through the base; returns images a second, of the batch in the middle.

    The first batch warms the engine up, and other work of the machine slows some down.
    """
    engine.extract(pixels[: engine.batch_size])
    rates, start = [], 0
    while start < len(pixels):
        part = pixels[start : start + engine.batch_size]
        began = time.perf_counter()
        found = engine.extract(part)
        rates.append(len(part) / (time.perf_counter() - began))
        for pooling, rows in held.items():
            rows[start : start + len(part)] = pool(found, engine.feature_shape, pooling)
        start += len(part)
    return float(np.median(rates))
