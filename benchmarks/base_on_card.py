"""A frozen base in one dtype on whatever card there is, and the rates that it reaches there."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.accelerator import compiled, put, wait
from benchmarks.flops import flops_of
from pipelines.bases import Base, build, cut
from pipelines.bases.random_weights import randomise
from pipelines.contract import Contract
from pipelines.engines.extraction import BATCHES_AHEAD, extract_images
from pipelines.engines.keras_engine import KerasEngine
from pipelines.images.decode import pixel_spec
from pipelines.images.loading import load_image
from pipelines.records import ImageRef
from pipelines.system.cores import usable_cores
from pipelines.system.keras_backend import load_keras
from pipelines.system.threads import map_ahead


@dataclass(frozen=True, slots=True)
class Rates:
    """What one repeat reached, images a second each."""

    base: float
    decoding: float
    whole: float


class BaseOnCard:
    """A base in one dtype, ready to run on one list of images."""

    def __init__(
        self, base: Base, image_size: int, dtype: str, batch_size: int, refs: Sequence[ImageRef]
    ) -> None:
        """Build it with random weights.

        Args:
            base: which one.
            image_size: height and width of its input in pixels.
            dtype: of its weights and of all it computes.
            batch_size: images a call.
            refs: the images.
        """
        self._refs = refs
        self._contract = Contract(
            base=base.name,
            weights="random",
            image_size=image_size,
            interpolation="bilinear",
            orientation="ignored",
            preprocessing="imagenet",
            layer=base.last_layer,
            pooling="none",
            compute_dtype=dtype,
            precision="float32",
        )
        keras = load_keras()
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(dtype)  # layers keep the dtype they were built under
        try:
            model = build(base, image_size)
            frozen = cut(model, base.last_layer, "none")
        finally:
            keras.config.set_dtype_policy(before)
        randomise(model, 0)
        self.flops = flops_of(frozen)
        self._forward = compiled(frozen)
        shape = (batch_size, image_size, image_size, 3)
        self._batch = put(np.random.default_rng(0).standard_normal(shape, np.float32), dtype)
        self._engine = KerasEngine(model, self._contract, batch_size)

    def warm_up(self) -> None:
        """Let everything be compiled."""
        wait(self._forward(self._batch))
        side = self._contract.image_size
        self._engine.extract(np.zeros((1, side, side, 3), np.uint8))

    def run(self) -> Rates:
        """Measure the three once."""
        return Rates(self._base(), self._decoding(), self._whole())

    def _base(self) -> float:
        batches = -(-len(self._refs) // len(self._batch))
        started = time.perf_counter()
        for _ in range(batches):
            features = self._forward(self._batch)
        wait(features)
        return batches * len(self._batch) / (time.perf_counter() - started)

    def _decoding(self) -> float:
        pixels = pixel_spec(self._contract)
        ahead = self._engine.batch_size * BATCHES_AHEAD
        started = time.perf_counter()
        threads = usable_cores()
        loaded = map_ahead(lambda ref: load_image(ref, pixels), self._refs, threads, ahead)
        count = sum(1 for _ in loaded)
        return count / (time.perf_counter() - started)

    def _whole(self) -> float:
        started = time.perf_counter()
        extracted = extract_images(self._refs, self._engine, pixel_spec(self._contract))
        count = sum(len(each.block.sources) for each in extracted)
        return count / (time.perf_counter() - started)
