"""Bases other than VGG in int8: near float32's features, the same on any number of threads."""

import hashlib
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper

from pipelines.bases import WeightsRequest
from pipelines.bases.onnx_file.composing import COMPOSED_FILE
from pipelines.bases.quantised import quantised_at
from pipelines.contract import SCHEMES, Quantisation
from pipelines.engines.int8 import graph
from pipelines.engines.int8.difference import difference_on
from pipelines.engines.int8.quantising import quantise
from pipelines.engines.onnxruntime_engine import OnnxRuntimeEngine
from pipelines.engines.opening import open_engine
from pipelines.engines.openvino_engine import QUANTISED_FILE, OpenVinoEngine
from pipelines.engines.request import Computation
from pipelines.engines.trial import largest_error
from pipelines.errors import EngineError
from pipelines.planning.job import FeatureChoice, make_contract
from pipelines.table.base_files import keep_base
from tests.pipelines.bases.onnx_networks import SIZE, pointwise, pointwise_features, save

pytestmark = pytest.mark.acceptance

RANDOM = WeightsRequest("random", seed=1)


def blots(count, size):
    """Blots of colour, uint8 (count, size, size, 3): ranges of noise are those of nothing."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    return coarse.repeat(size // 4, axis=1).repeat(size // 4, axis=2)


def test_a_residual_network_is_float32_s_within_what_eight_bits_cost(tmp_path):
    contract = make_contract(FeatureChoice("ResNet50", RANDOM, image_size=32, pooling="avg"))
    pixels = blots(16, 32)
    content = quantise(contract, RANDOM, pixels[:12]).content
    (tmp_path / QUANTISED_FILE).write_bytes(content)
    alone = OpenVinoEngine(tmp_path, 1, 8).extract(pixels)
    plain = open_engine(Computation(contract, RANDOM, 16, 2).by("keras")).extract(pixels)
    assert 0 < largest_error(alone, plain) < 0.2
    # OpenVINO's streams, compiled at once, computed other numbers in most processes.
    for _ in range(3):
        np.testing.assert_array_equal(OpenVinoEngine(tmp_path, 3, 8).extract(pixels), alone)


@pytest.mark.parametrize("opset", [11, 17])
def test_a_base_from_an_onnx_file_is_quantised(tmp_path, opset):
    path = pointwise(tmp_path / "base.onnx", opset=opset)
    weights = WeightsRequest("base", path=str(path))
    choice = FeatureChoice(
        *("onnx-file", weights), image_size=SIZE, preprocessing="rescale", layer="relu"
    )
    contract = make_contract(choice)
    pixels = blots(16, SIZE)
    content = quantise(contract, weights, pixels).content
    made = Quantisation(SCHEMES[-1], hashlib.sha256(content).hexdigest(), "16 blots")
    quantised = replace(contract, compute_dtype="int8", quantisation=made)
    keep_base(str(tmp_path), quantised, content)
    asked = Computation(
        *(quantised, weights, 8, 2), base_file=quantised_at(str(tmp_path), quantised)
    )
    path.unlink()  # the table has all that is needed
    asked = replace(asked, weights=WeightsRequest("imagenet"))
    found = open_engine(asked.by("openvino")).extract(pixels)
    wanted = pointwise_features(pixels.astype(np.float32) / 255).reshape(len(pixels), -1)
    assert 0 < largest_error(found, wanted) < 0.02


def test_depthwise_convolutions_stay_in_float32(tmp_path):
    tensors = {
        "wide": np.random.default_rng(1).standard_normal((4, 3, 1, 1)).astype(np.float32),
        "deep": np.random.default_rng(2).standard_normal((4, 1, 3, 3)).astype(np.float32),
        "grouped": np.random.default_rng(3).standard_normal((4, 2, 1, 1)).astype(np.float32),
    }

    tensors["deep"] *= np.float32([100, 1, 0.01, 1])[:, None, None, None]
    nodes = [
        helper.make_node("Conv", ["image", "wide"], ["a"]),
        helper.make_node("Conv", ["a", "deep"], ["b"], group=4, pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["b", "grouped"], ["c"], group=2),
    ]
    path = save(tmp_path / "base.onnx", nodes, tensors, ["batch", 3, SIZE, SIZE], "c")
    weights = WeightsRequest("base", path=str(path))
    choice = FeatureChoice("onnx-file", weights, image_size=SIZE, preprocessing="rescale")
    pixels = blots(16, SIZE)
    made = quantise(make_contract(choice), weights, pixels[:12])
    kept = {
        tuple(each.dims[:2]): each.data_type
        for each in onnx.load_from_string(made.content).graph.initializer
        if len(each.dims) == 4
    }
    eight, float32 = onnx.TensorProto.INT8, onnx.TensorProto.FLOAT
    assert kept == {(4, 3): eight, (4, 1): float32, (4, 2): eight}
    found = difference_on(made, pixels[12:], 1)
    (tmp_path / QUANTISED_FILE).write_bytes(made.content)
    features = OpenVinoEngine(tmp_path, 1, 4).extract(pixels[12:])
    plain = open_engine(Computation(make_contract(choice), weights, 4, 1).by("onnxruntime"))
    wanted = plain.extract(pixels[12:])
    errors = [
        np.sqrt(((each - other) ** 2).sum() / (other**2).sum())
        for each, other in zip(features, wanted, strict=True)
    ]
    assert found.images == 4
    assert found.median == pytest.approx((sorted(errors)[1] + sorted(errors)[2]) / 2, rel=1e-4)
    assert found.largest == pytest.approx(max(errors), rel=1e-4)
    assert 0 < found.largest < 0.03
    assert not found.is_far


FIRST_BLOCK = FeatureChoice(
    "ConvNeXtTiny", RANDOM, image_size=32, layer="convnext_tiny_stage_0_block_0_identity"
)


def test_convnext_is_exported_as_it_is_and_quantised(tmp_path):
    contract = make_contract(FIRST_BLOCK)
    pixels = blots(16, 32)
    made = quantise(contract, RANDOM, pixels[:12])
    (tmp_path / COMPOSED_FILE).write_bytes(made.plain)
    exported = OnnxRuntimeEngine(tmp_path, 1, 16).extract(pixels)
    plain = open_engine(Computation(contract, RANDOM, 16, 2).by("keras")).extract(pixels)
    assert largest_error(exported, plain) < 1e-5
    found = difference_on(made, pixels[12:], 1)
    assert 0 < found.largest < 0.1


def test_a_base_whose_export_is_not_onnx_is_refused_in_one_line(monkeypatch, capfd):
    monkeypatch.setattr(graph, "exportable", lambda model: model)
    with pytest.raises(EngineError) as refused:
        quantise(make_contract(FIRST_BLOCK), RANDOM, blots(1, 32))
    assert str(refused.value) == (
        "ConvNeXtTiny cannot be quantised: its export to ONNX keeps TensorFlow's "
        "StatefulPartitionedCall; leave --compute_dtype out, or name an ONNX file of it by --base"
    )
    assert "not supported" not in capfd.readouterr().err
