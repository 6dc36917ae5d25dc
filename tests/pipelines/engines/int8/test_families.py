"""Bases other than VGG in int8: near float32's features, the same on any number of threads."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from pipelines.bases import WeightsRequest
from pipelines.bases.quantised import quantised_at
from pipelines.contract import Quantisation
from pipelines.engines.int8.quantising import quantise
from pipelines.engines.opening import open_engine
from pipelines.engines.openvino_engine import QUANTISED_FILE, OpenVinoEngine
from pipelines.engines.request import Computation
from pipelines.engines.trial import largest_error
from pipelines.planning.job import FeatureChoice, make_contract
from pipelines.table.base_files import keep_base
from tests.pipelines.bases.onnx_networks import SIZE, pointwise, pointwise_features

pytestmark = pytest.mark.acceptance

RANDOM = WeightsRequest("random", seed=1)


def blots(count, size):
    """Blots of colour, uint8 (count, size, size, 3): ranges of noise are those of nothing."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    return coarse.repeat(size // 4, axis=1).repeat(size // 4, axis=2)


def test_a_residual_network_is_float32_s_within_what_eight_bits_cost(tmp_path):
    contract = make_contract(FeatureChoice("ResNet50", RANDOM, image_size=32, pooling="avg"))
    pixels = blots(16, 32)
    content = quantise(contract, RANDOM, pixels[:12])
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
    content = quantise(contract, weights, pixels)
    made = Quantisation("u8s7-channel-minmax", hashlib.sha256(content).hexdigest(), "16 blots")
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
