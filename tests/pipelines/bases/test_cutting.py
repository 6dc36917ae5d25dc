"""A base ends at any of its layers."""

import numpy as np
import pytest

from pipelines.bases import BASES, WeightsRequest, build, cut, load_base
from pipelines.errors import UsageError

VGG16 = BASES["VGG16"]
RANDOM = WeightsRequest("random", seed=1)


def images(size):
    return np.random.default_rng(0).uniform(0, 255, (2, size, size, 3)).astype(np.float32)


def test_a_base_is_cut_and_pooled():
    model = build(VGG16, 64)
    middle = cut(model, "block4_pool", "none").predict(images(64), verbose=0)
    assert middle.shape == (2, 4, 4, 512)
    average = cut(model, "block4_pool", "avg").predict(images(64), verbose=0)
    np.testing.assert_allclose(average, middle.mean(axis=(1, 2)), rtol=1e-5)
    largest = cut(model, "block4_pool", "max").predict(images(64), verbose=0)
    np.testing.assert_array_equal(largest, middle.max(axis=(1, 2)))
    assert cut(model, "block4_pool", "avg").trainable_weights == []


def test_a_layer_that_is_not_there():
    with pytest.raises(UsageError, match=r"VGG16 has no layer 'block9'; it has .*block5_pool$"):
        cut(build(VGG16, 32), "block9", "none")
    with pytest.raises(UsageError, match="block5_pool; --top true adds the classifying top's"):
        cut(build(VGG16, 32), "fc2", "none")


def test_a_layer_that_is_not_there_among_many():
    """One line that can be read, of a base with more layers than fit into it."""
    model = build(BASES["MobileNetV2"], 32)
    with pytest.raises(UsageError) as raised:
        cut(model, "block_2_ad", "none")
    said = str(raised.value)
    assert f"it has {len(model.layers):,} others, from input_" in said
    assert "block_2_add" in said
    assert len(said) < 250


@pytest.mark.acceptance
def test_a_layer_that_cannot_be_pooled():
    model = build(BASES["EfficientNetV2B0"], 32)
    with pytest.raises(UsageError, match="--pooling avg needs a layer with height and width"):
        cut(model, "block4a_se_squeeze", "avg")


def test_a_branch_is_cut_before_it_is_joined():
    """MobileNetV2's block 2 adds its input to what it computes; both can be had, and the sum."""
    model = load_base(BASES["MobileNetV2"], 48, RANDOM).model
    names = ("block_1_project_BN", "block_2_project_BN", "block_2_add")
    before, computed, added = (
        cut(model, name, "none").predict(images(48), verbose=0) for name in names
    )
    np.testing.assert_allclose(before + computed, added, rtol=1e-4, atol=1e-4)
    assert np.abs(computed).max() > 0.01


@pytest.mark.acceptance
def test_a_block_that_is_a_model_itself():
    """ConvNeXt's stem, run by hand, layer by layer."""
    model = load_base(BASES["ConvNeXtTiny"], 32, RANDOM).model
    found = cut(model, "convnext_tiny_stem", "none").predict(images(32), verbose=0)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    scaled = (images(32) / 255 - mean) / deviation
    kernel, bias, gamma, beta = model.get_layer("convnext_tiny_stem").get_weights()
    patches = scaled.reshape(2, 8, 4, 8, 4, 3).transpose(0, 1, 3, 2, 4, 5).reshape(2, 8, 8, 48)
    convolved = patches @ kernel.reshape(48, 96) + bias
    centred = convolved - convolved.mean(axis=-1, keepdims=True)
    normal = centred / np.sqrt(convolved.var(axis=-1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(found, normal * gamma + beta, rtol=1e-3, atol=1e-4)
