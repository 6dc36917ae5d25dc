"""ONNX files as bases, held against plain NumPy; every file here is opened in this process."""

import json
from dataclasses import asdict

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from pipelines.bases import SCALINGS, Scaling
from pipelines.bases.onnx_file.child import answer
from pipelines.engines.onnxruntime_engine import OnnxRuntimeEngine
from pipelines.engines.openvino_engine import OpenVinoEngine
from pipelines.errors import BaseFileError, UsageError
from tests.pipelines.bases.onnx_networks import (
    SIZE,
    pointwise,
    pointwise_features,
    save,
    transformer,
    transformer_features,
)

PIXELS = np.random.default_rng(3).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
TORCH = (PIXELS / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]


def ask(do, path, **said):
    return answer(json.dumps({"do": do, "path": str(path), **said}))


def composed(
    path, folder, layer, scaling=None, pooling="none", engine=OnnxRuntimeEngine, size=SIZE
):
    folder.mkdir(exist_ok=True)
    said = asdict(scaling or SCALINGS["torch"])
    wanted = {"layers": [layer], "poolings": [pooling], "size": size, "scaling": said}
    ask("compose", path, folder=str(folder), **wanted)
    return engine(folder, 1, 4)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("engine", [OnnxRuntimeEngine, OpenVinoEngine])
def test_a_cut_network_gives_its_maps_height_first(tmp_path, channels_last, engine):
    path = pointwise(tmp_path / "base.onnx", channels_last=channels_last)
    engine = composed(path, tmp_path / "composed", "relu", engine=engine)
    assert engine.feature_shape == (SIZE, SIZE, 4)
    wanted = pointwise_features(TORCH).reshape(3, -1)
    np.testing.assert_allclose(engine.extract(PIXELS), wanted, rtol=1e-5, atol=1e-5)


def test_pixels_enter_as_the_numbers_say(tmp_path):
    path = pointwise(tmp_path / "base.onnx")
    scaling = Scaling(0.5, (1.0, 2.0, 3.0), (2.0, 4.0, 8.0), "bgr")
    engine = composed(path, tmp_path / "composed", "relu", scaling)
    wanted = pointwise_features((PIXELS[..., ::-1] * 0.5 - [1, 2, 3]) / [2, 4, 8])
    np.testing.assert_allclose(engine.extract(PIXELS), wanted.reshape(3, -1), rtol=1e-5, atol=1e-5)


def test_a_network_that_takes_bytes_gets_bytes(tmp_path):
    nodes = [
        helper.make_node("Cast", ["image"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Neg", ["wide"], ["less"]),
    ]
    sides = ["batch", SIZE, SIZE, 3]
    path = save(tmp_path / "base.onnx", nodes, {}, sides, "less", kind=TensorProto.UINT8)
    engine = composed(path, tmp_path / "composed", "less", SCALINGS["none"])
    np.testing.assert_array_equal(engine.extract(PIXELS), -PIXELS.reshape(3, -1).astype(np.float32))
    with pytest.raises(UsageError, match=r"takes pixels as uint8.*--preprocessing none"):
        composed(path, tmp_path / "composed", "less", SCALINGS["torch"])


@pytest.mark.parametrize("opset", [13, 18])
@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_maps_are_pooled(tmp_path, pooling, opset):
    path = pointwise(tmp_path / "base.onnx", opset=opset)
    engine = composed(path, tmp_path / "composed", "relu", pooling=pooling)
    maps = pointwise_features(TORCH)
    wanted = maps.mean(axis=(1, 2)) if pooling == "avg" else maps.max(axis=(1, 2))
    np.testing.assert_allclose(engine.extract(PIXELS), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pooling", ["none", "cls", "avg", "max"])
def test_tokens_are_pooled(tmp_path, pooling):
    engine = composed(
        transformer(tmp_path / "vit.onnx"), tmp_path / "composed", "tokens", pooling=pooling
    )
    tokens = transformer_features(TORCH)
    pooled = {
        "none": tokens.reshape(3, -1),
        "cls": tokens[:, 0],
        "avg": tokens.mean(axis=1),
        "max": tokens.max(axis=1),
    }
    np.testing.assert_allclose(engine.extract(PIXELS), pooled[pooling], rtol=1e-4, atol=1e-5)


def test_what_has_neither_tokens_nor_maps_is_not_pooled(tmp_path):
    path = pointwise(tmp_path / "base.onnx")
    with pytest.raises(UsageError, match="--pooling avg needs tokens, or height and width; head"):
        composed(path, tmp_path / "composed", "head", pooling="avg")
    with pytest.raises(UsageError, match="--pooling cls needs tokens, and relu"):
        composed(path, tmp_path / "composed", "relu", pooling="cls")


def test_an_old_opset_is_rewritten(tmp_path):
    engine = composed(
        pointwise(tmp_path / "old.onnx", opset=9), tmp_path / "composed", "relu", pooling="max"
    )
    wanted = pointwise_features(TORCH).max(axis=(1, 2))
    np.testing.assert_allclose(engine.extract(PIXELS), wanted, rtol=1e-4, atol=1e-5)


def test_a_convolution_takes_images_of_another_size(tmp_path):
    path = pointwise(tmp_path / "base.onnx")
    engine = composed(path, tmp_path / "composed", "relu", size=6)
    assert engine.feature_shape == (6, 6, 4)


def test_a_layer_is_named_by_tensor_or_operation(tmp_path):
    path = pointwise(tmp_path / "base.onnx")
    assert ask("look", path, layer="the_activation") == ask("look", path, layer="relu")
    assert ask("look", path, layer=None)["layer"] == "head"
    with pytest.raises(UsageError, match=r"no tensor or operation 'rélu'; of its 5 .* relu"):
        ask("look", path, layer="rélu")


def test_layers_are_listed_with_their_shapes(tmp_path):
    found = ask("layers", pointwise(tmp_path / "base.onnx"))
    assert found["size"] == SIZE
    assert found["layers"] == [
        ["conv", "Conv", [SIZE, SIZE, 4]],
        ["relu", "Relu", [SIZE, SIZE, 4]],
        ["mean", "GlobalAveragePool", [1, 1, 4]],
        ["flat", "Flatten", [4]],
        ["head", "MatMul", [2]],
    ]


def of(path, layer="relu"):
    return ask("look", path, layer=layer)["fingerprint"]


def test_the_same_numbers_are_the_same_base_whatever_they_are_called(tmp_path):
    path = pointwise(tmp_path / "base.onnx")
    known = of(path)
    assert of(pointwise(tmp_path / "b.onnx", prefix="other_"), "other_relu") == known
    other_head = {"classes": np.ones((4, 9), np.float32)}
    assert of(pointwise(tmp_path / "c.onnx", tensors=other_head)) == known
    model = onnx.load(path)
    model.doc_string = model.producer_name = "somebody"
    model.metadata_props.add(key="who", value="somebody")
    beside = tmp_path / "beside.onnx"
    onnx.save(model, beside, save_as_external_data=True, location="tensors", size_threshold=0)
    assert (tmp_path / "tensors").stat().st_size > 0
    assert of(beside) == known
    assert ask("look", path, layer="relu")["alone"]
    assert not ask("look", beside, layer="relu")["alone"]


def test_other_numbers_operations_or_attributes_are_another_base(tmp_path):
    path = pointwise(tmp_path / "base.onnx")
    one = {"bias": np.array([0.5, -0.5, 0.25, 1e-7], np.float32)}
    prints = {of(path), of(path, "conv"), of(pointwise(tmp_path / "b.onnx", tensors=one))}
    model = onnx.load(path)
    model.graph.node[1].op_type = "Sigmoid"
    onnx.save(model, tmp_path / "c.onnx")
    prints.add(of(tmp_path / "c.onnx"))
    model = onnx.load(path)
    model.graph.node[0].attribute.append(helper.make_attribute("strides", [2, 2]))
    onnx.save(model, tmp_path / "d.onnx")
    prints.add(of(tmp_path / "d.onnx"))
    assert len(prints) == 5


def test_a_file_that_is_cut_short_is_refused_wherever_it_is_cut(tmp_path):
    whole = pointwise(tmp_path / "base.onnx").read_bytes()
    cut = tmp_path / "cut.onnx"
    for length in range(0, len(whole), 7):
        cut.write_bytes(whole[:length])
        with pytest.raises((BaseFileError, UsageError)) as caught:
            ask("look", cut, layer="relu")
        assert "\n" not in str(caught.value)


def test_tensors_outside_the_folder_are_not_opened(tmp_path):
    folder = tmp_path / "base"
    folder.mkdir()
    path = folder / "base.onnx"
    model = onnx.load(pointwise(path))
    onnx.save(model, path, save_as_external_data=True, location="tensors", size_threshold=0)
    secret = tmp_path / "secret"
    (folder / "tensors").rename(secret)
    for location in ("../secret", str(secret), "tensors"):
        (folder / "tensors").unlink(missing_ok=True)
        (folder / "tensors").symlink_to(secret)
        model = onnx.load(path, load_external_data=False)
        for tensor in model.graph.initializer:
            tensor.external_data[0].value = location
        path.write_bytes(model.SerializeToString())
        with pytest.raises(BaseFileError, match="outside its folder"):
            ask("look", path, layer="relu")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("length", str(1 << 40), "may have 2,147,483,647 in all"),
        ("length", "1000", "cut short"),
        ("offset", "-5", "beside it"),
        ("length", "many", "invalid literal"),
        ("location", "nowhere", "No such file"),
    ],
)
def test_tensors_beside_a_file_are_read_within_bounds(tmp_path, key, value, said):
    path = tmp_path / "base.onnx"
    model = onnx.load(pointwise(path))
    onnx.save(model, path, save_as_external_data=True, location="tensors", size_threshold=0)
    model = onnx.load(path, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        if entry.key == key:
            entry.value = value
    path.write_bytes(model.SerializeToString())
    with pytest.raises(BaseFileError, match=said):
        ask("look", path, layer="relu")


def changed(tmp_path, change):
    path = pointwise(tmp_path / "base.onnx")
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def no_image(model):
    del model.graph.input[0].type.tensor_type.shape.dim[2:]


def of_text(model):
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64


def grey(model):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1


def wide(model):
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 9


def of_eight(model):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 8


def own_operation(model):
    model.graph.node[1].domain = "com.somebody"


def in_a_circle(model):
    model.graph.node[0].input[0] = "relu"


def huge(model):
    model.graph.initializer[0].dims[0] = 1 << 40


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (no_image, "takes no image: .* begins with image of . x 3"),
        (of_text, "takes no image"),
        (grey, "neither is a side 3"),
        (wide, "8 pixels high and 9 wide"),
        (of_eight, "takes 8 images at once"),
        (own_operation, "Relu of com.somebody, which needs somebody's own code"),
        (in_a_circle, "feeds itself"),
        (huge, "does not hold the numbers of its shape"),
    ],
)
def test_a_file_that_is_no_base_is_refused_in_a_line(tmp_path, change, said):
    with pytest.raises(BaseFileError, match=said) as caught:
        ask("look", changed(tmp_path, change), layer="relu")
    assert "\n" not in str(caught.value)
