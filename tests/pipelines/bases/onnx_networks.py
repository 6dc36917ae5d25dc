"""Small ONNX networks with random numbers, and what they compute in plain NumPy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 8
KERNEL = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)
BIAS = np.array([0.5, -0.5, 0.25, 0.0], np.float32)
HEAD = np.random.default_rng(2).standard_normal((4, 2)).astype(np.float32)

TOKENS, WIDTH, PATCH = 5, 6, 4
"""A transformer's: four patches of 4 x 4 pixels and the class token, six numbers each."""


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    tensors: dict[str, np.ndarray],
    shape: Sequence[int | str],
    output: str,
    kind: int = TensorProto.FLOAT,
    opset: int = 17,
) -> Path:
    """Write a network of one input, "image"."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", kind, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def pointwise(path: Path, prefix: str = "", channels_last: bool = False, **changes) -> Path:
    """A convolution of single pixels, ReLU ("relu"), and a head on their mean."""
    node = helper.make_node
    named = {name: f"{prefix}{name}" for name in ("conv", "relu", "mean", "flat", "head")}
    enters, nodes = "image", []
    if channels_last:
        nodes.append(node("Transpose", ["image"], [f"{prefix}turned"], perm=[0, 3, 1, 2]))
        enters = f"{prefix}turned"
    weights, bias, head = f"{prefix}kernel", f"{prefix}bias", f"{prefix}classes"
    nodes += [
        node("Conv", [enters, weights, bias], [named["conv"]], name=f"{prefix}the_convolution"),
        node("Relu", [named["conv"]], [named["relu"]], name=f"{prefix}the_activation"),
        node("GlobalAveragePool", [named["relu"]], [named["mean"]]),
        node("Flatten", [named["mean"]], [named["flat"]]),
        node("MatMul", [named["flat"], head], [named["head"]]),
    ]
    tensors = {weights: KERNEL.reshape(4, 3, 1, 1), bias: BIAS, head: HEAD}
    sides = ["batch", SIZE, SIZE, 3] if channels_last else ["batch", 3, SIZE, SIZE]
    said = {"shape": sides, "output": named["head"], **changes}
    tensors |= said.pop("tensors", {})
    return save(path, nodes, tensors, **said)


def pointwise_features(pixels: np.ndarray) -> np.ndarray:
    """What "relu" of `pointwise` is for (n, height, width, 3): (n, height, width, 4)."""
    return np.maximum(pixels @ KERNEL.T + BIAS, 0.0)


def transformer_tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """The numbers of `transformer`."""
    random = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.3).astype(np.float32)

    return {
        "patches": draw(WIDTH, 3, PATCH, PATCH),
        "class_token": draw(1, 1, WIDTH),
        "positions": draw(1, TOKENS, WIDTH),
        **{name: draw(WIDTH, WIDTH) for name in ("queries", "keys", "values", "last")},
        "sides": np.array([1, WIDTH, TOKENS - 1], np.int64),
        "root": np.array(np.sqrt(WIDTH), np.float32),
    }


def transformer(path: Path) -> Path:
    """Patches, a class token, positions, attention; "tokens" is (1, 5, 6)."""
    node = helper.make_node
    nodes = [
        node("Conv", ["image", "patches"], ["maps"], strides=[PATCH, PATCH]),
        node("Reshape", ["maps", "sides"], ["columns"]),
        node("Transpose", ["columns"], ["rows"], perm=[0, 2, 1]),
        node("Concat", ["class_token", "rows"], ["with_class"], axis=1),
        node("Add", ["with_class", "positions"], ["placed"]),
        *(
            node("MatMul", ["placed", name], [f"{name}_of"])
            for name in ("queries", "keys", "values")
        ),
        node("Transpose", ["keys_of"], ["turned"], perm=[0, 2, 1]),
        node("MatMul", ["queries_of", "turned"], ["products"]),
        node("Div", ["products", "root"], ["scores"]),
        node("Softmax", ["scores"], ["attention"], axis=-1),
        node("MatMul", ["attention", "values_of"], ["mixed"]),
        node("Add", ["placed", "mixed"], ["added"]),
        node("MatMul", ["added", "last"], ["tokens"]),
    ]
    sides = ["batch", 3, "height", "width"]
    return save(path, nodes, transformer_tensors(), sides, "tokens")


def transformer_features(pixels: np.ndarray) -> np.ndarray:
    """What `transformer` makes of float (n, 8, 8, 3): (n, 5, 6)."""
    said = transformer_tensors()
    kernel = said["patches"].transpose(2, 3, 1, 0)
    patches = [
        np.einsum("nhwc,hwco->no", pixels[:, y : y + PATCH, x : x + PATCH], kernel)
        for y in (0, PATCH)
        for x in (0, PATCH)
    ]
    first = np.broadcast_to(said["class_token"][0, 0], patches[0].shape)
    placed = np.stack([first, *patches], axis=1) + said["positions"]
    scores = (placed @ said["queries"]) @ (placed @ said["keys"]).transpose(0, 2, 1)
    scores = np.exp(scores / said["root"])
    mixed = scores / scores.sum(axis=-1, keepdims=True) @ (placed @ said["values"])
    return (placed + mixed) @ said["last"]
