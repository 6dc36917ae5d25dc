"""An ONNX graph up to one of its tensors: what that depends on, and the image that goes in."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pipelines.bases.onnx_file.reading import branches_of
from pipelines.errors import BaseFileError, UsageError

SHOWN = 5
"""Tensors that fit into a message."""

PIXEL_TYPES = {1: "float32", 2: "uint8", 3: "int8", 10: "float16", 11: "float64", 6: "int32"}
"""By ONNX's number: what an image may enter as."""

NCHW, NHWC = "NCHW", "NHWC"


@dataclass(frozen=True, slots=True)
class Cut:
    """A graph that ends at one tensor.

    Attributes:
        nodes: the operations that it depends on, in an order in which they can run.
        tensors: the `onnx.TensorProto`s that these take, by name.
        tensor: the name of the tensor at which it ends.
        image: the `onnx.ValueInfoProto` of the one input.
        layout: of the image, `NCHW` or `NHWC`.
        height, width: that the image must have, in pixels; None where any will do.
    """

    nodes: tuple[Any, ...]
    tensors: dict[str, Any]
    tensor: str
    image: Any
    layout: str
    height: int | None
    width: int | None

    @property
    def dtype(self) -> str:
        """What the image enters as."""
        return PIXEL_TYPES[self.image.type.tensor_type.elem_type]


def cut_at(model: Any, layer: str | None, name: str) -> Cut:  # noqa: ANN401 - onnx is untyped
    """End a graph at a tensor.

    Args:
        model: an `onnx.ModelProto`.
        layer: a tensor, or an operation whose first output it is; the first output when None.
        name: what messages call the file.

    Raises:
        UsageError: there is no such tensor or operation.
        BaseFileError: what leads there does not begin with one image.
    """
    graph = model.graph
    makers = {output: node for node in graph.node for output in node.output if output}
    tensor = _tensor_named(graph, makers, layer, name)
    held = {each.name: each for each in graph.initializer}
    nodes, entered = _ancestors(tensor, makers, held, name)
    inputs = [each for each in graph.input if each.name in entered and each.name not in held]
    image = _image_of(inputs, graph, tensor, name)
    layout, height, width = _layout_of(image, name)
    used = {each for node in nodes for each in inputs_of(node)}
    tensors = {key: value for key, value in held.items() if key in used}
    return Cut(tuple(nodes), tensors, tensor, image, layout, height, width)


def inputs_of(node: Any) -> list[str]:  # noqa: ANN401
    """All tensors that an operation takes, those that its branches take from outside too."""
    names = [name for name in node.input if name]
    for attribute in node.attribute:
        for branch in branches_of(attribute):
            own = {each.name for each in (*branch.input, *branch.initializer)}
            for inner in branch.node:
                names += [name for name in inputs_of(inner) if name not in own]
                own |= set(inner.output)
    return names


def _tensor_named(
    graph: Any,  # noqa: ANN401
    makers: dict[str, Any],
    layer: str | None,
    name: str,
) -> str:
    if layer is None:
        if not graph.output or graph.output[0].name not in makers:
            raise BaseFileError(f"{name} has no output")
        return str(graph.output[0].name)
    if layer in makers:
        return layer
    for node in graph.node:
        if node.name == layer:
            return str(node.output[0])
    near = get_close_matches(layer, [*makers], n=SHOWN, cutoff=0.0)
    raise UsageError(
        f"{name} has no tensor or operation {layer!r}; of its {len(makers):,} those most like it "
        f"are {', '.join(near)}; describe --bases FILE lists all"
    )


def _ancestors(
    tensor: str, makers: dict[str, Any], held: dict[str, Any], name: str
) -> tuple[list[Any], set[str]]:
    """What a tensor depends on, without recursion: graphs of strangers may be deep."""
    nodes: list[Any] = []
    entered: set[str] = set()
    done: set[int] = set()
    under_way: set[int] = set()
    stack = [(makers[tensor], False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            under_way.discard(id(node))
            done.add(id(node))
            nodes.append(node)
            continue
        if id(node) in done:
            continue
        if id(node) in under_way:
            raise BaseFileError(f"{name} is no graph that can run: {node.op_type} feeds itself")
        under_way.add(id(node))
        stack.append((node, True))
        for each in reversed(inputs_of(node)):
            if each not in makers:
                entered.add(each)
            elif id(makers[each]) not in done:
                stack.append((makers[each], False))
    return nodes, entered


def _image_of(inputs: list[Any], graph: Any, tensor: str, name: str) -> Any:  # noqa: ANN401
    if len(inputs) == 1 and len(inputs[0].type.tensor_type.shape.dim) == 4:
        image = inputs[0]
        if image.type.tensor_type.elem_type in PIXEL_TYPES:
            return image
    said = [f"{each.name} of {shape_in_words(each)}" for each in inputs] or ["nothing"]
    every = "" if len(inputs) == len(graph.input) else f", as {tensor} does"
    raise BaseFileError(
        f"{name} takes no image{every}: what leads there begins with {' and '.join(said)}, and one "
        "image (batch, 3, height, width) or (batch, height, width, 3) is wanted; --layer names "
        "another tensor"
    )


def _layout_of(image: Any, name: str) -> tuple[str, int | None, int | None]:  # noqa: ANN401
    batch, *dims = [side.dim_value or None for side in image.type.tensor_type.shape.dim]
    if batch is not None and batch > 1:
        raise BaseFileError(
            f"{name} takes {batch} images at once; export it for one, or any number"
        )
    if dims[0] in (3, None) and dims[2] != 3:
        sides = dims[1:]
        layout = NCHW
    elif dims[2] == 3:
        sides = dims[:2]
        layout = NHWC
    else:
        raise BaseFileError(
            f"{name} takes images of {shape_in_words(image)}; neither is a side 3, for colours"
        )
    height, width = (None if side is None or side < 1 else int(side) for side in sides)
    if height is not None and width is not None and height != width:
        raise BaseFileError(
            f"{name} takes images {height} pixels high and {width} wide; images here are square"
        )
    return layout, height, width


def shape_in_words(value: Any) -> str:  # noqa: ANN401
    """The shape of a value of a graph, "?" where it may be any: "? x 3 x 224 x 224"."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return "no known shape"
    sides = [str(side.dim_value) if side.dim_value > 0 else "?" for side in kind.shape.dim]
    return " x ".join(sides) or "one number"
