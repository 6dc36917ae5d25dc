import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from pipelines.bases import BASES, WeightsRequest, cut, load_base, preprocess
from pipelines.engines.keras_engine import KerasEngine
from pipelines.engines.opening import open_engine
from pipelines.engines.request import EngineRequest
from pipelines.errors import WeightsError
from pipelines.planning.job import make_contract
from tests.conftest import TINY


@pytest.fixture(scope="module")
def loaded():
    return load_base(BASES["VGG16"], 48, WeightsRequest("random", seed=3))


@pytest.fixture(scope="module")
def contract():
    choice = replace(TINY, image_size=48, weights=WeightsRequest("random", seed=3))
    return make_contract(choice)


def images(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 48, 48, 3), dtype=np.uint8)


def error(one: np.ndarray, other: np.ndarray) -> float:
    """Largest relative L2 error of any image: the design's bound for two engines."""
    one, other = one.reshape(len(one), -1), other.reshape(len(other), -1)
    return float((np.linalg.norm(one - other, axis=1) / np.linalg.norm(other, axis=1)).max())


@pytest.mark.parametrize("preprocessing", ["imagenet", "rescale"])
@pytest.mark.parametrize(("layer", "pooling"), [("block5_pool", "none"), ("block3_pool", "avg")])
def test_features_are_those_of_predict(loaded, contract, preprocessing, layer, pooling):
    contract = replace(contract, preprocessing=preprocessing, layer=layer, pooling=pooling)
    engine = KerasEngine(loaded.model, contract, batch_size=8)
    pixels = images(5)
    prepared = preprocess(BASES["VGG16"], preprocessing, pixels.astype(np.float32))
    expected = cut(loaded.model, layer, pooling).predict(prepared, verbose=0)
    found = engine.extract(pixels)
    assert found.dtype == np.float32
    assert found.shape == (5, int(np.prod(expected.shape[1:])))
    assert engine.feature_shape == expected.shape[1:]
    assert error(found, expected) <= 1e-5


def test_flattening_is_in_c_order(loaded, contract):
    engine = KerasEngine(loaded.model, replace(contract, layer="block4_pool"), batch_size=2)
    pixels = images(2)
    prepared = preprocess(BASES["VGG16"], "imagenet", pixels.astype(np.float32))
    output = cut(loaded.model, "block4_pool", "none").predict(prepared, verbose=0)
    found = engine.extract(pixels)
    _, width, channels = engine.feature_shape
    for h, w, c in [(0, 0, 1), (0, 1, 0), (1, 0, 0), (2, 1, 300)]:
        place = (h * width + w) * channels + c
        np.testing.assert_allclose(found[:, place], output[:, h, w, c], rtol=1e-4, atol=1e-4)


def test_features_do_not_hang_on_the_batch(loaded, contract):
    engine = KerasEngine(loaded.model, contract, batch_size=4)
    pixels = images(4)
    together = engine.extract(pixels)
    for i in range(4):
        np.testing.assert_array_equal(engine.extract(pixels[i : i + 1])[0], together[i])


@pytest.mark.acceptance
def test_threads_that_share_an_engine_get_their_own_features(loaded, contract, monkeypatch):
    engine = KerasEngine(loaded.model, contract, batch_size=4)
    parts = np.split(images(48), 12)
    alone = [engine.extract(part) for part in parts]
    base = engine._model.predict_on_batch

    def dawdle(batch):
        time.sleep(0.002)  # time enough for another thread to spoil a buffer that is not guarded
        return base(batch)

    monkeypatch.setattr(engine._model, "predict_on_batch", dawdle)
    for _ in range(2):
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(engine.extract, parts))
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one, other)


def test_nothing_in_it_can_be_trained(loaded, contract):
    engine = KerasEngine(loaded.model, contract, batch_size=4)
    assert engine._model.trainable_weights == []
    assert len(engine._model.non_trainable_weights) == 26


def test_other_weights_than_the_contract_s_are_refused(contract):
    wrong = EngineRequest(contract, WeightsRequest("random", seed=4), 8, None, "keras")
    with pytest.raises(WeightsError, match="name the same weights with --weights"):
        open_engine(wrong)
    right = EngineRequest(contract, WeightsRequest("random", seed=3), 8, None, "keras")
    assert open_engine(right) is open_engine(right)
