"""Which of an ONNX tensor's four axes are height, width and channels."""

from typing import Any

from pipelines.bases.onnx_file.graph import NCHW, NHWC, Cut

_CHANNELS_FIRST = frozenset(
    {
        *("Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool", "GlobalAveragePool"),
        *("GlobalMaxPool", "BatchNormalization", "InstanceNormalization", "LRN"),
        *("GroupNormalization", "DepthToSpace", "SpaceToDepth", "QLinearConv", "ConvInteger"),
    }
)
"""Operations that ONNX defines on (batch, channels, height, width) only."""

_MOVING = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Shape", "Gather", "MatMul"})
"""Operations whose output has other axes than their input."""

_TO_NHWC, _TO_NCHW = [0, 2, 3, 1], [0, 3, 1, 2]


def layouts_of(cut: Cut) -> dict[str, str | None]:
    """The layouts of a graph's tensors that have height and width, by name; None of the others.

    Convolutions and poolings are channels first by definition, a transposition moves the axes that
    it says, and what works number by number leaves them.
    """
    known: dict[str, str | None] = {cut.image.name: cut.layout}
    for node in cut.nodes:
        for output in node.output:
            known[output] = _after(node, known)
    return known


def _after(node: Any, known: dict[str, str | None]) -> str | None:  # noqa: ANN401 - onnx is untyped
    if node.op_type in _CHANNELS_FIRST:
        return NCHW
    if node.op_type in _MOVING:
        return None
    before = next((known[name] for name in node.input if known.get(name)), None)
    if node.op_type != "Transpose":
        return before
    order = next((list(each.ints) for each in node.attribute if each.name == "perm"), [])
    moves = {(NCHW, tuple(_TO_NHWC)): NHWC, (NHWC, tuple(_TO_NCHW)): NCHW}
    return moves.get((before or "", tuple(order)))
