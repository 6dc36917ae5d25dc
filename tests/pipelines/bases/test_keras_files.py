"""Weights that Keras loads itself give what plain Keras gives, and so does their file by name."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras.src.utils import file_utils  # what its bases fetch their files with

from pipelines.bases import BASES, WeightsRequest, known_fingerprint, load_base
from pipelines.contract import PARITY_BOUND, Contract
from pipelines.engines.keras_engine import KerasEngine
from pipelines.engines.trial import largest_error
from tests.pipelines.bases.families import ALL_BASES

SIZE = 32
IMAGENET = WeightsRequest("imagenet")


@pytest.fixture
def keras_file(monkeypatch, tmp_path):
    """A function that puts a base's random weights where Keras looks for those of ImageNet."""

    def provide(base):
        model = load_base(base, SIZE, WeightsRequest("random", seed=5)).model
        for layer in model.layers:
            if isinstance(layer, keras.layers.Normalization) and layer.weights:
                values = [[0.5, 0.4, 0.3], [0.05, 0.06, 0.07], 0]
                layer.set_weights([np.array(value) for value in values])
        path = tmp_path / "x.weights.h5"
        model.save_weights(path)
        asked = []
        monkeypatch.setattr(
            file_utils, "get_file", lambda name, *_, **__: asked.append(name) or path
        )
        return path, asked

    return provide


def contract_of(base):
    return Contract(
        base=base.name,
        weights="",
        image_size=SIZE,
        interpolation="bilinear",
        orientation="ignored",
        preprocessing="imagenet",
        layer=base.last_layer,
        pooling="none",
        compute_dtype="float32",
        precision="float32",
    )


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("name", "file"),
    [
        # Keras gives it one more scaling when it loads the weights itself:
        ("EfficientNetB0", "efficientnetb0_notop.h5"),
        # Keras takes preprocessing and file from the name of the model:
        ("EfficientNetV2B0", "efficientnetv2-b0_notop.h5"),
        ("ConvNeXtTiny", "convnext_tiny_notop.h5"),
        # The slowest to build:
        *([("NASNetMobile", "nasnet_mobile_no_top.h5")] if ALL_BASES else []),
    ],
)
def test_a_base_with_keras_s_weights_is_keras_s(name, file, keras_file):
    base = BASES[name]
    path, asked = keras_file(base)
    plain = getattr(keras.applications, name)(include_top=False, input_shape=(SIZE, SIZE, 3))
    images = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)
    prepared = getattr(keras.applications, base.module).preprocess_input(images.astype(np.float32))
    wanted = np.asarray(plain(prepared, training=False)).reshape(4, -1)

    by_keras, by_name = (
        load_base(base, SIZE, request) for request in (IMAGENET, WeightsRequest("file", str(path)))
    )
    assert asked == [file, file]
    assert by_keras.fingerprint == by_name.fingerprint
    contract = contract_of(base)
    for loaded in (by_keras, by_name):
        found = KerasEngine(loaded.model, contract, 4).extract(images)
        assert largest_error(found, wanted) <= PARITY_BOUND / 10
    narrow = KerasEngine(by_keras.model, replace(contract, compute_dtype="bfloat16"), 4)
    assert largest_error(narrow.extract(images), wanted) < 0.1


@pytest.mark.acceptance
def test_weights_of_another_size_may_be_others(keras_file):
    """Keras has a file of MobileNetV2 for each of some sizes."""
    base = BASES["MobileNetV2"]
    _, asked = keras_file(base)
    loaded = load_base(base, 96, IMAGENET)
    assert asked == ["mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_96_no_top.h5"]
    assert known_fingerprint(base, 96, IMAGENET) == loaded.fingerprint
    assert known_fingerprint(base, 128, IMAGENET) is None
