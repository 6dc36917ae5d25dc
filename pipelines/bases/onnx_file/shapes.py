"""The shapes of a cut ONNX graph's tensors, for images of one size."""

from typing import Any

from pipelines.bases.onnx_file.graph import NCHW, Cut
from pipelines.errors import BaseFileError

FLOATS = frozenset({1, 10, 11, 16})
"""ONNX's numbers of float32, float16, float64 and bfloat16."""


def shapes_of(
    model: Any,  # noqa: ANN401
    cut: Cut,
    size: int | None,
    name: str,
) -> dict[str, tuple[int | None, ...]]:
    """The shapes of a cut graph's floating tensors for one image, as far as onnx can tell them.

    Args:
        model: the `onnx.ModelProto` that was cut.
        cut: the part of it that is looked at.
        size: height and width of the image in pixels; None leaves them open.
        name: what messages call the file.

    Raises:
        BaseFileError: the shapes contradict each other.
    """
    from onnx import helper, shape_inference

    sides = [1, 3, size, size] if cut.layout == NCHW else [1, size, size, 3]
    kind = cut.image.type.tensor_type.elem_type
    graph = helper.make_graph(
        cut.nodes,
        "cut",
        [helper.make_tensor_value_info(cut.image.name, kind, sides)],
        [helper.make_tensor_value_info(cut.tensor, 0, None)],
        [*cut.tensors.values()],
    )
    alone = helper.make_model(graph, opset_imports=model.opset_import)
    alone.ir_version = model.ir_version
    try:
        inferred = shape_inference.infer_shapes(alone, strict_mode=True, data_prop=True)
    except Exception as error:  # kinds of C++
        said = " ".join(str(error).split())[-200:]
        raise BaseFileError(f"{name} cannot run on images of {size} pixels: {said}") from error
    found = {}
    for value in (*inferred.graph.value_info, *inferred.graph.output):
        kind = value.type.tensor_type
        if kind.HasField("shape") and kind.elem_type in FLOATS:
            dims = kind.shape.dim
            found[value.name] = tuple(
                int(d.dim_value) if d.HasField("dim_value") else None for d in dims
            )
    return found
