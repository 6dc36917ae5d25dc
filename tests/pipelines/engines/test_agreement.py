"""OpenVINO and ncnn give Keras's features, whatever shares a batch or a stack with an image."""

import functools
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.bases import BASES, WeightsRequest, load_base
from pipelines.contract import PARITY_BOUND, Contract
from pipelines.engines.keras_engine import KerasEngine
from pipelines.engines.kinds import CONVERTING
from pipelines.engines.ncnn.chain import MaxPool, read_chain, read_scaling, scale_pixels
from pipelines.engines.ncnn.conversion import LAYOUT_FILE
from pipelines.engines.ncnn.stacking import SMALL_SIDE, STACKED, TILE, plan_stack
from pipelines.engines.trial import largest_error
from pipelines.errors import EngineError

BASE = Contract(
    base="VGG16",
    weights="",
    image_size=48,
    interpolation="bilinear",
    orientation="ignored",
    preprocessing="imagenet",
    layer="block5_pool",
    pooling="none",
    compute_dtype="float32",
    precision="float32",
)
RANDOM = WeightsRequest("random", seed=3)


def pixels(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@functools.cache
def model_of(base, size):
    """A base with random weights, made once: nothing here changes it."""
    return load_base(BASES[base], size, RANDOM).model


def with_engine(name, contract, folder, threads=2):
    """The engine of that name and Keras's, for one contract."""
    model = model_of(contract.base, contract.image_size)
    CONVERTING[name].convert(model, contract, folder)
    return CONVERTING[name].open(folder, threads, 16), KerasEngine(model, contract, 16)


VARIANTS = [
    {},
    {"layer": "block3_pool", "pooling": "avg"},
    {"layer": "block1_conv1"},
]
MORE_VARIANTS = [
    {"preprocessing": "rescale"},
    {"layer": "block4_conv2", "pooling": "max"},
    {"image_size": 75},  # odd maps at several depths
    {"image_size": 117, "layer": "block2_pool"},  # a first block in strips, of odd rows
]


@pytest.mark.parametrize("name", ["openvino", "ncnn"])
@pytest.mark.parametrize(
    "variant",
    [*VARIANTS, *(pytest.param(each, marks=pytest.mark.acceptance) for each in MORE_VARIANTS)],
    ids=str,
)
def test_features_are_keras_s_to_the_parity_bound(name, variant, tmp_path):
    contract = replace(BASE, **variant)
    engine, reference = with_engine(name, contract, tmp_path)
    images = pixels(11, contract.image_size)
    found, wanted = engine.extract(images), reference.extract(images)
    assert found.dtype == np.float32
    assert engine.feature_shape == reference.feature_shape
    assert largest_error(found, wanted) <= PARITY_BOUND / 10


@pytest.mark.acceptance
def test_a_branching_base_cut_in_a_branch_runs_on_openvino_and_not_on_ncnn(tmp_path):
    contract = replace(BASE, base="MobileNetV2", layer="block_2_project_BN")
    engine, reference = with_engine("openvino", contract, tmp_path)
    images = pixels(5, 48)
    assert largest_error(engine.extract(images), reference.extract(images)) <= PARITY_BOUND / 10
    with pytest.raises(EngineError, match="no chain holds a layer like Conv1"):
        with_engine("ncnn", contract, tmp_path)


@pytest.fixture(scope="module", params=["openvino", "ncnn"])
def opened(request, tmp_path_factory):
    engine, _ = with_engine(request.param, BASE, tmp_path_factory.mktemp("conversion"))
    images = pixels(16, 48)
    return engine, images, engine.extract(images)


@settings(deadline=None, max_examples=12)
@given(order=st.permutations(range(16)), count=st.integers(1, 16))
def test_an_image_s_features_depend_on_nothing_but_the_image(opened, order, count):
    engine, images, features = opened
    chosen = order[:count]
    np.testing.assert_array_equal(engine.extract(images[chosen]), features[chosen])


def test_a_stack_keeps_images_apart_at_every_depth():
    model = model_of("VGG16", 150)
    steps = read_chain(model)
    for size in range(32, 260):
        stack = plan_stack(steps, size)
        side, pitch = stack.side, stack.pitch
        assert side <= SMALL_SIDE
        assert stack.images == STACKED
        for place, step in enumerate(steps[stack.start :]):
            if isinstance(step, MaxPool):
                side, pitch = side // 2, pitch // 2
            elif place:
                assert pitch % TILE == 0
                assert pitch > side
    assert (plan_stack(steps, 150).side, plan_stack(steps, 150).pitch) == (18, 24)


def test_a_chain_without_small_maps_is_not_stacked(tmp_path):
    contract = replace(BASE, layer="block1_pool", image_size=64)
    with_engine("ncnn", contract, tmp_path)
    assert '"images": 1' in (tmp_path / LAYOUT_FILE).read_text()
    assert not (tmp_path / "stack.param").exists()


@pytest.mark.parametrize("preprocessing", ["imagenet", "rescale"])
def test_preprocessing_is_read_off_keras(preprocessing):
    image = pixels(1, 9)[0]
    found = scale_pixels(image, read_scaling(replace(BASE, preprocessing=preprocessing)))
    if preprocessing == "rescale":
        wanted = image / 255.0
    else:
        wanted = keras.applications.vgg16.preprocess_input(image.astype(np.float32))
    np.testing.assert_allclose(found, wanted.transpose(2, 0, 1), atol=1e-4)


def test_a_net_that_ncnn_cannot_load_is_noticed_before_it_is_run(tmp_path):
    with_engine("ncnn", BASE, tmp_path)
    text = (tmp_path / "image.param").read_text().replace("Pooling", "Pondering")
    (tmp_path / "image.param").write_text(text)
    with pytest.raises(EngineError, match=r"ncnn cannot load image\.param"):
        CONVERTING["ncnn"].open(tmp_path, 1, 4)


def test_openvino_s_telemetry_is_never_imported():
    code = (
        "import sys; from pipelines.engines.openvino_engine import load_openvino; load_openvino();"
        "print([n for n in sys.modules if n.startswith('openvino_telemetry') and sys.modules[n]])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("bfloat16", 1e-4, 5e-2),
        pytest.param("float16", 1e-6, 5e-3, marks=pytest.mark.acceptance),
    ],
)
def test_a_narrower_compute_dtype_is_another_computation(dtype, low, high):
    model = model_of("VGG16", 48)
    images = pixels(3, 48)
    wanted = KerasEngine(model, BASE, 4).extract(images)
    found = KerasEngine(model, replace(BASE, compute_dtype=dtype), 4).extract(images)
    assert found.dtype == np.float32
    assert low < largest_error(found, wanted) < high
    np.testing.assert_array_equal(KerasEngine(model, BASE, 4).extract(images), wanted)
