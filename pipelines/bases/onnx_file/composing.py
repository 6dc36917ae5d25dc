"""Writing preprocessing before a cut ONNX graph and pooling after it: pixels in, features out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.bases.onnx_file.axes import layouts_of
from pipelines.bases.onnx_file.graph import NCHW, PIXEL_TYPES, Cut
from pipelines.bases.onnx_file.joining import union_of
from pipelines.bases.onnx_file.shapes import shapes_of
from pipelines.bases.scaling import Scaling
from pipelines.errors import UsageError

COMPOSED_FILE = "model.onnx"
TENSORS_FILE = "tensors.bin"
"""Beside the composed file where that would be more than protobuf takes."""

PREFIX = "frozen_features/"
PIXELS, FEATURES = f"{PREFIX}pixels", f"{PREFIX}features"

_INLINE_BYTES = 1_500_000_000
_AXES_ARE_INPUTS = {"ReduceMean": 18, "ReduceMax": 18}
"""From which opset on an operation takes its axes as a tensor."""

TOKENS_RANK, IMAGE_RANK = 3, 4


@dataclass
class _Steps:
    """Operations that are added to a graph, each taking what the one before gave.

    Their results are called by what they were made of, and by `mark` where others have the same.
    """

    last: str
    opset: int
    mark: str = ""
    nodes: list[Any] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)

    def add(self, operation: str, *constants: Any, gives: str = "", **said: Any) -> None:  # noqa: ANN401
        from onnx import helper, numpy_helper

        names = [self.last]
        for values in constants:
            of = f"{len(self.tensors)}_of_{self.last.rpartition('/')[2]}"
            names.append(f"{PREFIX}{self.mark}constant_{of}")
            self.tensors.append(numpy_helper.from_array(np.asarray(values), names[-1]))
        self.last = (
            gives or f"{PREFIX}{self.mark}{operation}_after_{self.last.removeprefix(PREFIX)}"
        )
        self.nodes.append(helper.make_node(operation, names, [self.last], **said))

    def reduce(self, operation: str, axes: list[int]) -> None:
        if self.opset >= _AXES_ARE_INPUTS[operation]:
            self.add(operation, np.array(axes, np.int64), keepdims=0)
        else:
            self.add(operation, axes=axes, keepdims=0)


def compose_onnx(
    model: Any,  # noqa: ANN401 - onnx is untyped
    cuts: Sequence[Cut],
    size: int,
    scaling: Scaling,
    poolings: Sequence[str],
    name: str,
) -> Any:  # noqa: ANN401
    """Make the graph that engines run.

    Args:
        model: the `onnx.ModelProto` that was cut.
        cuts: the parts of it that are wanted.
        size: height and width of the images in pixels.
        scaling: what is done to pixels before.
        poolings: for each cut "none", "avg" or "max" over height and width or over tokens, or
            "cls", the first.
        name: what messages call the file.

    Returns:
        An `onnx.ModelProto` from uint8 (1, size, size, 3), RGB, to float32 (1, ...) features;
        height and width come before channels. Of several cuts the features are flattened and
        follow each other: (1, length).

    Raises:
        UsageError: a tensor is not what is pooled so, or the input cannot be scaled so.
        BaseFileError: the graph contradicts itself, or the cuts begin with different images.
    """
    from onnx import TensorProto, helper

    opset = max(each.version for each in model.opset_import if not each.domain)
    whole = union_of(cuts, name)
    before = _scaled(whole, scaling, opset, name)
    ends = []
    for number, (cut, pooling) in enumerate(zip(cuts, poolings, strict=True)):
        after = _Steps(cut.tensor, opset, f"{number}/" if number else "")
        rank = _rank(model, cut, size, name)
        _pooled(after, rank, layouts_of(cut)[cut.tensor], pooling, f"{cut.tensor} of {name}")
        ends.append(after)
    joined = _joined(ends)
    graph = helper.make_graph(
        [*before.nodes, *whole.nodes, *(node for each in ends for node in each.nodes), *joined],
        "composed",
        [helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, [1, size, size, 3])],
        [helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, None)],
        [*whole.tensors.values(), *before.tensors, *(t for each in ends for t in each.tensors)],
    )
    composed = helper.make_model(graph, opset_imports=model.opset_import)
    composed.ir_version = model.ir_version
    return composed


def _joined(ends: Sequence[_Steps]) -> list[Any]:
    """End what was pooled as the features; of several cuts side by side."""
    from onnx import TensorProto, helper

    if len(ends) == 1:
        ends[0].add("Cast", to=TensorProto.FLOAT, gives=FEATURES)
        return []
    for end in ends:
        end.add("Cast", to=TensorProto.FLOAT)
        end.add("Reshape", np.array([1, -1], np.int64))
    return [helper.make_node("Concat", [end.last for end in ends], [FEATURES], axis=1)]


def write_onnx(composed: Any, folder: Path) -> None:  # noqa: ANN401
    """Write a composed graph into a folder."""
    import onnx

    apart = sum(len(each.raw_data) for each in composed.graph.initializer) > _INLINE_BYTES
    onnx.save_model(
        composed, folder / COMPOSED_FILE, save_as_external_data=apart, location=TENSORS_FILE
    )


def _scaled(cut: Cut, scaling: Scaling, opset: int, name: str) -> _Steps:
    from onnx import TensorProto

    wanted = cut.image.type.tensor_type.elem_type
    whole = "int" in PIXEL_TYPES[wanted]
    if whole and not scaling.leaves_pixels:
        raise UsageError(
            f"{name} takes pixels as {PIXEL_TYPES[wanted]}, which is scaled inside; use "
            "--preprocessing none"
        )
    steps = _Steps(PIXELS, opset)
    if scaling.channels == "bgr":
        steps.add("Gather", np.array([2, 1, 0], np.int64), axis=3)
    if not whole:
        steps.add("Cast", to=TensorProto.FLOAT)
        if scaling.scale != 1.0:
            steps.add("Mul", np.float32(scaling.scale))
        if scaling.mean:
            steps.add("Sub", np.array(scaling.mean, np.float32))
        if scaling.std:
            steps.add("Div", np.array(scaling.std, np.float32))
    if cut.layout == NCHW:
        steps.add("Transpose", perm=[0, 3, 1, 2])
    steps.add("Cast", to=wanted, gives=cut.image.name)
    return steps


def _rank(model: Any, cut: Cut, size: int, name: str) -> int | None:  # noqa: ANN401
    shape = shapes_of(model, cut, size, name).get(cut.tensor)
    return None if shape is None else len(shape)


def _pooled(steps: _Steps, rank: int | None, layout: str | None, pooling: str, tensor: str) -> None:
    if rank == IMAGE_RANK and layout == NCHW:
        steps.add("Transpose", perm=[0, 2, 3, 1])
    if pooling == "none":
        return
    if rank not in (TOKENS_RANK, IMAGE_RANK):
        what = "a shape that cannot be told" if rank is None else f"{rank} axes"
        raise UsageError(
            f"--pooling {pooling} needs tokens, or height and width; {tensor} has {what}"
        )
    if rank == IMAGE_RANK and layout is None:
        raise UsageError(
            f"--pooling {pooling}: which axes of {tensor} are height and width cannot be told; "
            "--pooling none takes it as it is"
        )
    if pooling == "cls":
        if rank != TOKENS_RANK:
            raise UsageError(f"--pooling cls needs tokens, and {tensor} has height and width")
        steps.add("Gather", np.array(0, np.int64), axis=1)
        return
    steps.reduce({"avg": "ReduceMean", "max": "ReduceMax"}[pooling], [1, 2][: rank - 2])
