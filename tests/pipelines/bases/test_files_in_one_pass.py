"""Several layers of a base from a file in one run: one pass of it, and each table as if alone."""

import keras
import numpy as np
import pyarrow as pa
import pytest
from onnx import TensorProto, helper

from frozen_features import extract
from pipelines.bases.cutting import IN_ONE_PASS
from pipelines.bases.onnx_file.graph import cut_at
from pipelines.bases.onnx_file.joining import union_of
from pipelines.engines import opening
from pipelines.errors import BaseFileError
from pipelines.table.feature_table import FeatureTable
from tests.pipelines.bases import test_base_from_a_file
from tests.pipelines.bases.onnx_networks import SIZE, pointwise, pointwise_features, transformer
from tests.pipelines.bases.test_base_from_a_file import plain_pixels

no_processes = test_base_from_a_file._no_processes


def chain(path):
    """Two convolutions with a pooling between them, for images of any size."""
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    maps = keras.layers.Conv2D(16, 3, padding="same", activation="relu", name="one")(image)
    maps = keras.layers.Conv2D(6, 3, padding="same", name="two")(keras.layers.MaxPooling2D()(maps))
    keras.Model(image, maps).save(path)
    return path


FILES = {
    "pointwise.onnx": (pointwise, ["head", "relu", "relu::max", "conv::avg"]),
    "transformer.onnx": (transformer, ["tokens", "placed::cls", "attention"]),
    "chain.keras": (chain, ["two", "one::avg", "one"]),
}


def table_of(where) -> pa.Table:
    return FeatureTable.open(str(where)).dataset().to_table().sort_by("image_id")


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("file", "engine"),
    [
        ("pointwise.onnx", "onnxruntime"),
        ("pointwise.onnx", "openvino"),
        ("transformer.onnx", "onnxruntime"),
        pytest.param("transformer.onnx", "openvino", marks=pytest.mark.acceptance),
        ("chain.keras", "keras"),
        ("chain.keras", "ncnn"),
        pytest.param("chain.keras", "openvino", marks=pytest.mark.acceptance),
    ],
)
def test_each_table_is_what_a_run_of_its_own_makes(dataset, tmp_path, monkeypatch, file, engine):
    make, wanted = FILES[file]
    path = make(tmp_path / file)
    said = {"base": path, "engine": engine, "preprocessing": "torch", "image_size": SIZE}
    cuts = [each.partition("::")[::2] for each in wanted]
    own = []
    for number, (layer, pooling) in enumerate(cuts):
        own.append(tmp_path / f"own{number}")
        extract(dataset / "test", own[-1], layer=layer, pooling=pooling or "none", **said)
    monkeypatch.setattr(opening, "_engines", {})
    first, *others = [tmp_path / f"shared{number}" for number in range(len(cuts))]
    also = [
        f"{path}:{layer}:{pooling or 'none'}={table}"
        for (layer, pooling), table in zip(cuts[1:], others, strict=True)
    ]
    extract(dataset / "test", first, layer=cuts[0][0], also=also, **said)
    layers = IN_ONE_PASS.join(layer for layer, _ in cuts)
    assert layers in {request.contract.layer for request in opening._engines}
    for table, alone in zip((first, *others), own, strict=True):
        assert table_of(table).num_rows == 20
        assert table_of(table).equals(table_of(alone))
        contracts = [FeatureTable.open(str(each)).contract for each in (table, alone)]
        assert contracts[0] == contracts[1]


def test_features_of_several_layers_are_those_of_a_plain_loop(dataset, tmp_path, capsys):
    path, relu, mean = pointwise(tmp_path / "base.onnx"), tmp_path / "relu", tmp_path / "mean"
    also = [f"{path}:relu:avg={mean}"]
    said = {"preprocessing": "rescale", "engine": "onnxruntime"}
    extract(dataset / "test", relu, base=path, layer="relu", also=also, **said)
    assert "pass of its own" not in capsys.readouterr().err
    contract = FeatureTable.open(str(relu)).contract
    names = table_of(relu)["image_id"].to_pylist()
    pixels = plain_pixels(
        dataset / "test", [name.removeprefix("test/") for name in names], contract
    )
    maps = pointwise_features(pixels / 255)
    for table, wanted in ((relu, maps.reshape(20, -1)), (mean, maps.mean(axis=(1, 2)))):
        found = np.stack(table_of(table)["features"].to_numpy(zero_copy_only=False))
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_tensors_of_two_images_are_taken_one_by_one():
    sides = [1, 3, SIZE, SIZE]
    images = [helper.make_tensor_value_info(name, TensorProto.FLOAT, sides) for name in "ab"]
    nodes = [helper.make_node("Relu", [name], [f"{name}_relu"]) for name in "ab"]
    nodes.append(helper.make_node("Neg", ["a_relu"], ["negative"]))
    outputs = [helper.make_tensor_value_info("negative", TensorProto.FLOAT, None)]
    model = helper.make_model(helper.make_graph(nodes, "two", images, outputs))
    cuts = {name: cut_at(model, name, "f") for name in ("negative", "a_relu", "b_relu")}
    both = union_of([cuts["a_relu"], cuts["negative"]], "f")
    assert [node.output[0] for node in both.nodes] == ["a_relu", "negative"]
    with pytest.raises(BaseFileError, match="negative is made of a, and b_relu of b"):
        union_of([cuts["negative"], cuts["b_relu"]], "f")
