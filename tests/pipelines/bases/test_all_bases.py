"""A base with random weights gives what plain Keras gives, in every engine that takes it.

One of each family is tried, or all forty with FROZEN_FEATURES_ALL_BASES=1, which takes ten
minutes more: the others of a family have the same layers, only more.
"""

import gc
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras.src.utils import file_utils  # what Keras's bases fetch their files with

from pipelines.bases import BASES, WeightsRequest, cut, load_base
from pipelines.contract import PARITY_BOUND
from pipelines.engines import opening
from pipelines.engines.keras_engine import KerasEngine
from pipelines.engines.kinds import CONVERTING
from pipelines.engines.trial import largest_error
from pipelines.errors import EngineError
from pipelines.planning.job import make_contract
from tests.conftest import TINY
from tests.pipelines.bases.families import ONE_OF_EACH, TRIED

RANDOM = WeightsRequest("random", seed=1)
CHAINS = ("VGG16", "VGG19")
DEEP = {"InceptionResNetV2": "block35_1_ac", "NASNetMobile": "reduction_concat_stem_1"}
"""Converted up to this layer, by which each kind of layer of theirs has come once: a conversion of
all of them takes half a minute."""


@pytest.fixture(autouse=True)
def _no_base_outlives_its_test(monkeypatch):
    """All forty together would take 20 GB."""
    monkeypatch.setattr(opening, "_bases", {})
    yield
    keras.backend.clear_session()
    gc.collect()


def plain_keras(base, weights, size, tmp_path, monkeypatch):
    """The base as anybody would build it, with these weights."""
    constructor = getattr(keras.applications, base.name)
    settings = {"include_top": False, "input_shape": (size, size, 3)}
    plain = constructor(weights=None, **settings)
    plain.set_weights(weights)
    if base.module == "efficientnet":  # which Keras builds otherwise when it loads weights itself
        plain.save_weights(tmp_path / "plain.weights.h5")
        where = str(tmp_path / "plain.weights.h5")
        monkeypatch.setattr(file_utils, "get_file", lambda *_, **__: where)
        plain = constructor(**settings)
    return plain


@pytest.mark.acceptance
@pytest.mark.parametrize("name", TRIED)
def test_a_base_gives_what_plain_keras_gives(name, tmp_path, monkeypatch):
    """At the smallest size that a base takes.

    Of the largest, which take a minute and 5 GB, none is converted. All were once, and agreed.
    """
    base = BASES[name]
    size = base.min_size
    contract = make_contract(replace(TINY, base=name, image_size=size, weights=RANDOM))
    model = opening.open_base(name, size, RANDOM).model
    assert model.count_params() == base.parameters
    assert model.layers[-1].name == base.last_layer
    images = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    found = KerasEngine(model, contract, 2).extract(images)
    assert np.isfinite(found).all()
    assert largest_error(found[:1], found[1:]) > 0.01

    plain = plain_keras(base, model.get_weights(), size, tmp_path, monkeypatch)
    prepared = getattr(keras.applications, base.module).preprocess_input(images.astype(np.float32))
    wanted = np.asarray(plain(prepared, training=False)).reshape(2, -1)
    assert largest_error(found, wanted) <= PARITY_BOUND / 10

    for layer in model.layers[:: max(1, len(model.layers) // 3)]:
        shorter = cut(model, layer.name, "none")
        assert shorter.layers[-1].name == layer.name
        assert shorter.output_shape == layer.output.shape

    if name in ONE_OF_EACH:
        if name in DEEP:
            contract = replace(contract, layer=DEEP[name])
            wanted = KerasEngine(model, contract, 2).extract(images)
        CONVERTING["openvino"].convert(model, contract, tmp_path)
        converted = CONVERTING["openvino"].open(tmp_path, 2, 2).extract(images)
        assert largest_error(converted, wanted) <= PARITY_BOUND
    if name in CHAINS:
        CONVERTING["ncnn"].convert(model, contract, tmp_path)
        converted = CONVERTING["ncnn"].open(tmp_path, 1, 2).extract(images)
        assert largest_error(converted, wanted) <= PARITY_BOUND
    else:
        with pytest.raises(EngineError, match=r"no chain holds a layer like|branches at its layer"):
            CONVERTING["ncnn"].convert(model, contract, tmp_path)


@pytest.mark.acceptance
def test_mobilenet_with_its_top_has_the_parameters_of_its_paper():
    plain = keras.applications.MobileNet(weights=None)
    assert plain.count_params() == 4_253_864
    ours = load_base(BASES["MobileNet"].with_top(), 224, RANDOM).model
    assert ours.count_params() == 4_253_864
