"""What the table of bases says is what Keras builds, whatever was built before."""

import keras
import numpy as np
import pytest

from pipelines.bases import (
    BASES,
    IN_MODEL,
    WeightsRequest,
    base_named,
    build,
    load_base,
    preprocess,
)
from pipelines.cli import Parser
from pipelines.errors import UsageError
from pipelines.planning.job import make_contract
from pipelines.planning.options import add_feature_options, feature_choice
from tests.pipelines.bases.families import TRIED

VGG16 = BASES["VGG16"]


def chosen(*options):
    """What `--weights random` and these options of a command line choose."""
    parser = Parser()
    add_feature_options(parser)
    return feature_choice(parser.parse_args(["--weights", "random", *options]))


def test_every_constructor_of_keras_is_in_the_table():
    names = {name for name, each in vars(keras.applications).items() if callable(each)}
    assert names == BASES.keys()


def test_a_base_is_frozen_and_whole():
    model = build(VGG16, 150)
    assert model.count_params() == VGG16.parameters == 14_714_688
    assert len(model.weights) == 26
    assert model.trainable_weights == []
    assert model.output_shape == (None, *VGG16.feature_shape)
    assert model.layers[-1].name == VGG16.last_layer


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_keras_takes_nothing_smaller(base):
    side = base.min_size - 1
    with pytest.raises(ValueError, match=f"at least {base.min_size}x{base.min_size}"):
        getattr(keras.applications, base.name)(weights=None, input_shape=(side, side, 3))
    with pytest.raises(UsageError, match=f"at least {base.min_size} pixels, not --image_size"):
        make_contract(chosen("--base", base.name, "--image_size", str(side)))


@pytest.mark.acceptance
def test_layers_without_a_name_are_numbered_alike_in_every_process():
    base = BASES["MobileNetV3Small"]
    first = [layer.name for layer in build(base, 32).layers]
    keras.layers.Activation("relu")
    assert [layer.name for layer in build(base, 32).layers] == first
    assert first[-1] == base.last_layer == "activation_17"


def test_a_base_is_built_under_the_dtype_policy_of_its_caller():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("bfloat16")
    try:
        assert build(VGG16, 32).weights[0].dtype == "bfloat16"
    finally:
        keras.config.set_dtype_policy(before)
    assert build(VGG16, 32).weights[0].dtype == "float32"


def test_a_name_that_is_none():
    with pytest.raises(UsageError, match=r"no base 'VGG99'; pipelines.describe --bases lists"):
        base_named("VGG99")


def test_the_size_is_the_base_s_own_unless_it_is_given():
    random = ("--weights", "random")
    assert make_contract(chosen("--weights", "imagenet")).image_size == 150
    assert make_contract(chosen("--base", "MobileNetV2", *random)).image_size == 224
    small = chosen("--base", "MobileNetV2", *random, "--image_size", "128")
    assert make_contract(small).image_size == 128


EXPECTED = {
    "caffe": [30 - 103.939, 20 - 116.779, 10 - 123.68],
    "tf": [10 / 127.5 - 1, 20 / 127.5 - 1, 30 / 127.5 - 1],
    "torch": [
        (10 / 255 - 0.485) / 0.229,
        (20 / 255 - 0.456) / 0.224,
        (30 / 255 - 0.406) / 0.225,
    ],
    IN_MODEL: [10, 20, 30],
}


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_preprocessing_is_what_the_table_calls_it(base):
    image = np.array([[[[10.0, 20.0, 30.0]]]], np.float32)
    found = preprocess(base, "imagenet", image.copy())
    np.testing.assert_allclose(found[0, 0, 0], EXPECTED[base.preprocessing], rtol=1e-6)


@pytest.mark.parametrize("name", ["VGG16", "MobileNet", "MobileNetV3Small", "EfficientNetV2B0"])
def test_bases_that_pass_pixels_through_scale_them(name):
    scaling = (keras.layers.Rescaling, keras.layers.Normalization)
    scales = any(isinstance(layer, scaling) for layer in build(BASES[name], 32).layers)
    assert scales == (BASES[name].preprocessing == IN_MODEL)


def test_rescaling_is_the_book_s():
    image = np.array([[[[10.0, 20.0, 30.0]]]], np.float32)
    np.testing.assert_allclose(preprocess(VGG16, "rescale", image), image / 255, rtol=1e-6)
    assert make_contract(chosen("--preprocessing", "rescale")).preprocessing == "rescale"


def test_pixels_are_not_scaled_twice():
    with pytest.raises(UsageError, match="EfficientNetB0 scales pixels in its own first layers"):
        make_contract(chosen("--base", "EfficientNetB0", "--preprocessing", "rescale"))


def test_random_depthwise_kernels_keep_the_scale_of_what_they_see():
    """Each of their channels sees 3 x 3 values, not 3 x 3 x channels."""
    model = load_base(BASES["MobileNet"], 32, WeightsRequest("random", seed=1)).model
    for layer in model.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            np.testing.assert_allclose(np.std(layer.kernel), np.sqrt(2 / 9), rtol=0.15)
        elif isinstance(layer, keras.layers.Conv2D):
            seen = np.prod(layer.kernel.shape[:3])
            np.testing.assert_allclose(np.std(layer.kernel), np.sqrt(2 / seen), rtol=0.15)


def test_random_residual_branches_are_scaled_down_together():
    """MobileNetV2 adds ten branches, five of them to a sum of others."""
    model = load_base(BASES["MobileNetV2"], 32, WeightsRequest("random", seed=1)).model
    gammas = {
        layer.name: np.asarray(layer.gamma)
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    scaled = {name for name, gamma in gammas.items() if not (gamma == 1).all()}
    assert scaled == {f"block_{n}_project_BN" for n in (5, 8, 9, 12, 15)}
    for name in scaled:
        np.testing.assert_allclose(gammas[name], 5**-0.5, rtol=1e-6)


@pytest.mark.acceptance
@pytest.mark.parametrize("name", TRIED)
def test_the_table_says_what_keras_builds_at_its_own_size(name):
    base = BASES[name]
    # Of MobileNetV3 Keras leaves the size open, and has ImageNet weights for 224.
    given = (224, 224, 3) if base.module == "mobilenet_v3" else None
    model = getattr(keras.applications, base.name)(weights=None, input_shape=given)
    pooled = [each for each in model.layers if "GlobalAveragePooling" in type(each).__name__]
    top = pooled[-1] if pooled else model.get_layer("flatten")
    if base is VGG16:
        assert model.input_shape == (None, 224, 224, 3)
        assert top.input.shape == (None, 7, 7, 512)
        return
    assert model.input_shape == (None, base.default_size, base.default_size, 3)
    assert top.input.shape == (None, *base.feature_shape)
    if base.module != "convnext":  # which ends otherwise without its top
        assert keras.Model(model.input, top.input).count_params() == base.parameters
