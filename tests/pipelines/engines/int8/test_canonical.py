"""Graphs that say the same have the same bytes, however they were written down."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from pipelines.engines.int8.canonical import make_canonical

SHAPE = (1, 2, 2, 3)


def _written(change: Callable[[list[Any]], None] = lambda nodes: None, prefix: str = "") -> Any:
    """Colours turned round and halved, then doubled and summed, with a branch of no use."""
    numbers = {"zero": [0], "one": [1], "two": [2], "three": [3], "last": [3]}
    tensors = [numpy_helper.from_array(np.array(each), name) for name, each in numbers.items()]
    tensors.append(numpy_helper.from_array(np.float32(0.5), "half"))
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], "cast", to=TensorProto.FLOAT),
        helper.make_node("Slice", ["floats", "zero", "one", "last"], ["red"], "r"),
        helper.make_node("Slice", ["floats", "one", "two", "last"], ["green"], "g"),
        helper.make_node("Slice", ["floats", "two", "three", "last"], ["blue"], "b"),
        helper.make_node("Concat", ["blue", "green", "red"], ["turned"], "c", axis=3),
        helper.make_node("Mul", ["turned", "half"], ["halves"], "h"),
        helper.make_node("Split", ["halves", ""], ["left", "right"], "s", axis=1, num_outputs=2),
        helper.make_node("Add", ["right", "left"], ["sum"], "a"),
        helper.make_node("Neg", ["red"], ["unused"], "n"),
    ]
    change(nodes)
    for each in nodes:
        each.name = prefix + each.name
        for side in (each.input, each.output):
            side[:] = [prefix + name if name else "" for name in side]
    for tensor in tensors:
        tensor.name = prefix + tensor.name
    graph = helper.make_graph(
        nodes,
        f"{prefix}graph",
        [helper.make_tensor_value_info(f"{prefix}image", TensorProto.UINT8, SHAPE)],
        [helper.make_tensor_value_info(f"{prefix}sum", TensorProto.FLOAT, (1, 1, 2, 3))],
        tensors,
    )
    return helper.make_model(graph, producer_name="whoever")


def _canonical(model: Any) -> bytes:
    make_canonical(model, SHAPE, (1, 1, 2, 3))
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def test_neither_order_nor_names_tell() -> None:
    first = _canonical(_written())
    for seed in range(20):
        shuffle = random.Random(seed).shuffle
        assert _canonical(_written(shuffle, f"functional_{seed}/")) == first


def test_attributes_go_by_their_names() -> None:
    def turned(nodes: list[Any]) -> None:
        (split,) = (each for each in nodes if each.op_type == "Split")
        kept = [type(each).FromString(each.SerializeToString()) for each in split.attribute]
        split.ClearField("attribute")
        split.attribute.extend(reversed(kept))

    assert _canonical(_written(turned)) == _canonical(_written())


def _inputs_turned(nodes: list[Any]) -> None:
    (mixed,) = (each for each in nodes if each.op_type == "Concat")
    mixed.input[:] = list(mixed.input)[::-1]


def _outputs_turned(nodes: list[Any]) -> None:
    (split,) = (each for each in nodes if each.op_type == "Split")
    split.output[:] = list(split.output)[::-1]


@pytest.mark.parametrize("change", [_inputs_turned, _outputs_turned])
def test_what_says_something_else_has_other_bytes(change: Callable[[list[Any]], None]) -> None:
    assert _canonical(_written(change)) != _canonical(_written())


def test_the_numbers_are_the_same_and_what_nothing_uses_is_gone() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(SHAPE)
    model = _written()
    (wanted,) = ReferenceEvaluator(model).run(None, {"image": pixels})
    content = _canonical(model)
    assert [each.op_type for each in model.graph.node].count("Neg") == 0
    (found,) = ReferenceEvaluator(onnx.load_from_string(content)).run(None, {"pixels": pixels})
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(found[0, 0, 0], (pixels[0, 0, 0] + pixels[0, 1, 0])[::-1] / 2)
