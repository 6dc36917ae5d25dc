"""VGG16 with real weights as an ONNX file, by the processes that a run starts."""

import sys

import keras
import numpy as np
import pytest

from pipelines.bases import WeightsRequest, base_named, load_base
from pipelines.bases.file_layers import layers_of
from pipelines.bases.onnx_file import asking
from pipelines.contract import Contract, require_same_contract
from pipelines.engines.choosing import open_reference
from pipelines.engines.keras_engine import KerasEngine
from pipelines.engines.onnx_export import export_onnx
from pipelines.engines.opening import open_engine
from pipelines.engines.request import Computation
from pipelines.errors import BaseFileError, ContractMismatchError
from pipelines.images.decode import decode_image, pixel_spec
from tests.pipelines.bases.test_base_from_a_file import contract_of

SIDE = 96


@pytest.mark.acceptance
def test_vgg16_cut_at_its_last_pooling_gives_its_features(tmp_path, imagenet_weights, photographs):
    weights = WeightsRequest("file", str(imagenet_weights))
    base = load_base(base_named("VGG16"), SIDE, weights)
    head = keras.layers.Dense(3)(keras.layers.Flatten()(base.model.output))
    path = tmp_path / "vgg16.onnx"
    whole = keras.Model(base.model.input, head)
    whole(np.zeros((1, SIDE, SIDE, 3), np.float32))
    export_onnx(whole, path)
    request = WeightsRequest("base", str(path))
    layer = [each for each in layers_of(request).layers if each.operation == "MaxPool"][-1]
    assert layer.shape == (3, 3, 512)
    contract = contract_of("--base", path, "--layer", layer.name, "--preprocessing", "caffe")
    own = Contract(
        *("VGG16", base.fingerprint, SIDE, "bilinear", "ignored", "imagenet"),
        *("block5_pool", "none", "float32", "float32"),
    )
    files = sorted((photographs / "test" / "cats").iterdir())[:6]
    pixels = np.stack([decode_image(f.read_bytes(), pixel_spec(own)).pixels for f in files])
    wanted = KerasEngine(base.model, own, 6).extract(pixels)
    asked = Computation(contract, request, 6, 2)
    for engine in (open_engine(asked.by("openvino")), open_reference(contract, request, 6)):
        found = engine.extract(pixels)
        errors = np.linalg.norm(found - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
        assert errors.max() < 1e-5
    with pytest.raises(ContractMismatchError, match="base: VGG16 in the table, onnx-file in"):
        require_same_contract(own, "the table", contract, "these options")


def test_a_file_that_crashes_its_reader_ends_in_a_line(monkeypatch):
    crash = [sys.executable, "-S", "-c", "import os; os.abort()"]
    monkeypatch.setattr(asking, "python_module", lambda _: crash)
    with pytest.raises(BaseFileError, match=r"bad\.onnx cannot be read: it ended the process"):
        asking.ask("look", "bad.onnx", layer=None)
