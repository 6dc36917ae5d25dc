import json

import pytest

from benchmarks import gpu
from benchmarks.flops import flops_of
from pipelines.system.keras_backend import load_keras

SMALL = ["--images", "6", "--batch_size", "4", "--matrix", "32", "--repeats", "1"]


def test_operations_are_counted_from_kernels_and_places():
    keras = load_keras()
    layers = keras.layers
    inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(6, 3, strides=2, padding="same")(inputs)  # 4 x 4 places
    x = layers.Conv2D(6, 1, groups=2)(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.SeparableConv2D(10, 3, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(layers.BatchNormalization()(x))
    model = keras.Model(inputs, layers.Dense(7)(x))
    convolutions = 3 * 3 * 4 * 6 + 3 * 6 + 3 * 3 * 6 + (3 * 3 * 6 + 6 * 10)
    assert flops_of(model) == 2 * (16 * convolutions + 10 * 7)


@pytest.mark.acceptance
def test_it_runs_without_a_card_when_allowed(tmp_path):
    given = [*SMALL, "--image_size", "32", "--allow_cpu", "--json", str(tmp_path / "gpu.json")]
    assert gpu.main(given) == 0
    result = json.loads((tmp_path / "gpu.json").read_text())
    for dtype in ("float32", "bfloat16"):
        raw = result["raw"][dtype]
        assert all(raw[part][0] > 0 for part in ("base alone", "decoding alone"))
        assert raw["files to features"][0] > 0
        assert raw["peak_flops"] > 0
    assert result["settings"]["card"] == "none, on the CPU"


def test_without_a_card_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "prepare_card", lambda: None)
    assert gpu.main(SMALL) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: Keras's backend tensorflow finds no GPU; --allow_cpu runs without one"
    ]


def test_a_backend_that_is_not_installed_is_told(monkeypatch, capsys):
    def absent() -> None:
        raise ImportError("No module named 'jax'")

    monkeypatch.setattr(gpu, "prepare_card", absent)
    assert gpu.main(SMALL) == 1
    assert "set KERAS_BACKEND" in capsys.readouterr().err


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_policy_is_put_back(dtype, tmp_path):
    from benchmarks.base_on_card import BaseOnCard
    from pipelines.bases import base_named

    before = load_keras().config.dtype_policy().name
    card = BaseOnCard(base_named("VGG16"), 32, dtype, 2, [])
    assert load_keras().config.dtype_policy().name == before
    assert card.flops > 6e8
