import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.bases import BASES, load_base
from pipelines.contract import Augmentation
from pipelines.engines.extraction import extract_images
from pipelines.engines.halving import run_batch
from pipelines.engines.keras_engine import KerasEngine
from pipelines.images.decode import PixelSpec
from pipelines.planning.job import make_contract
from pipelines.records import ImageRef
from tests.conftest import TINY, write_image


class Touchy:
    """An engine whose feature is the image's number, and which fails for some of them."""

    name = "touchy"
    feature_shape = (2,)

    def __init__(self, batch_size, raising=(), infinite=(), memory=99):
        self.batch_size, self.memory = batch_size, memory
        self.raising, self.infinite = set(raising), set(infinite)
        self.calls = []

    def extract(self, images):
        numbers = images[:, 0, 0, 0].tolist()
        self.calls.append(len(numbers))
        if self.batch_size > self.memory:
            raise MemoryError("cannot allocate")
        if self.raising & set(numbers):
            raise RuntimeError("kernel failed\nin many lines")
        features = np.array([[n, n + 0.5] for n in numbers], np.float32)
        features[[n in self.infinite for n in numbers], 1] = np.inf
        return features

    def shrink(self, failed):
        self.batch_size = min(self.batch_size, failed // 2)


def numbered(count):
    return np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)


numbers = st.sets(st.integers(0, 15))


@settings(deadline=None)
@given(raising=numbers, infinite=numbers, count=st.integers(1, 16), memory=st.integers(1, 16))
def test_only_the_images_to_blame_are_lost(raising, infinite, count, memory):
    engine = Touchy(16, raising, infinite, memory)
    result = run_batch(engine, numbered(count))
    lost = {n for n in range(count) if n in raising | infinite}
    assert result.kept == tuple(n for n in range(count) if n not in lost)
    assert result.faults.keys() == lost
    if result.kept:
        np.testing.assert_array_equal(result.features, [[n, n + 0.5] for n in result.kept])
    for n, fault in result.faults.items():
        expected = ("RuntimeError", "kernel failed", False)
        if n not in raising:
            expected = ("NotFinite", "the features are not finite numbers", True)
        assert (fault.error, fault.message, fault.lasting) == expected
    assert engine.batch_size <= memory


def test_one_bad_image_costs_few_calls():
    engine = Touchy(64, raising={37})
    run_batch(engine, numbered(64))
    assert len(engine.calls) == 13  # the whole, then two at each of six halvings


def test_an_out_of_memory_batch_size_is_remembered(tmp_path):
    refs = []
    for i in range(20):
        path = write_image(tmp_path / f"{i:02d}.png", seed=i)
        refs.append(ImageRef(path.name, str(path), None, "train", 1, 0, 0))
    engine = Touchy(8, memory=3)
    results = list(extract_images(refs, engine, PixelSpec(4, "bilinear", "ignored"), 1))
    assert sum(len(each.block.sources) for each in results) == 20
    assert engine.batch_size == 2
    assert engine.calls[:2] == [8, 4]
    assert max(engine.calls[2:]) == 2  # one is left over where a batch of three was waiting


def test_memory_that_is_not_enough_for_one_is_a_passing_failure():
    result = run_batch(Touchy(4, memory=0), numbered(2))
    assert result.kept == ()
    assert [(f.error, f.lasting) for f in result.faults.values()] == [("MemoryError", False)] * 2


def test_a_keras_engine_shrinks_to_the_same_features():
    engine = KerasEngine(load_base(BASES["VGG16"], 32, TINY.weights).model, make_contract(TINY), 8)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    before = engine.extract(images)
    engine.shrink(engine.batch_size)
    assert engine.batch_size == 4
    after = np.concatenate([engine.extract(images[:4]), engine.extract(images[4:])])
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="broadcast"):
        engine.extract(images)


def test_an_engine_fault_is_recorded_as_a_failure_of_its_image(tmp_path):
    refs = []
    for i in range(3):
        path = write_image(tmp_path / f"{i}.png", seed=i)
        refs.append(ImageRef(path.name, str(path), None, "train", 1, 0, 0))

    class NoSecond(Touchy):
        def extract(self, images):
            if len(images) > 1 or (images == self.second).all():
                raise RuntimeError("no")
            return np.zeros((1, 2), np.float32)

    engine = NoSecond(4)
    pixels = PixelSpec(4, "bilinear", "ignored")
    from pipelines.images.loading import load_image

    engine.second = load_image(refs[1], pixels).pixels[None]
    (result,) = extract_images(refs, engine, pixels, 1)
    assert [source.ref.image_id for source in result.block.sources] == ["0.png", "2.png"]
    (failure,) = result.failures
    assert (failure.ref, failure.stage, failure.error) == (refs[1], "extract", "RuntimeError")


def test_what_is_known_to_fail_is_an_image_and_no_copy_alone(tmp_path):
    class NeverFinite(Touchy):
        def extract(self, images):
            return np.full((len(images), 2), np.nan, np.float32)

    path = write_image(tmp_path / "0.png", seed=0)
    refs = [ImageRef("0.png", str(path), None, "train", 1, 0, 0, copy) for copy in (0, 1)]
    pixels = PixelSpec(4, "bilinear", "ignored", Augmentation())
    (result,) = extract_images(refs, NeverFinite(4), pixels, 1)
    assert [(failure.ref.copy, failure.lasting) for failure in result.failures] == [
        (0, True),
        (1, False),
    ]


def test_two_batches_that_fail_of_memory_together_shrink_the_engine_once():
    class Small:
        """Fits 16 images; fails late, so that both batches begin at 32."""

        name, feature_shape, batch_size = "small", (1,), 32

        def __init__(self):
            self.meet = threading.Barrier(2)

        def extract(self, images):
            if len(images) > 16:
                self.meet.wait(timeout=10)
                raise MemoryError
            return np.zeros((len(images), 1), np.float32)

        def shrink(self, failed):
            self.batch_size = min(self.batch_size, max(1, failed // 2))

    engine = Small()
    images = np.zeros((32, 1, 1, 3), np.uint8)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: run_batch(engine, images), range(2)))
    assert [len(result.kept) for result in results] == [32, 32]
    assert engine.batch_size == 16
