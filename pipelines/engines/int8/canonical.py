"""One ONNX graph for all that say the same: what an exporter names and orders by chance is settled.

tf2onnx goes through sets of objects, which Python orders by where they lie in memory.
"""

from typing import Any

PIXELS, FEATURES = "pixels", "features"
"""Names of the graph's input and output."""


def make_canonical(
    model: Any,  # noqa: ANN401 - onnx is untyped
    pixels: tuple[int, ...],
    features: tuple[int, ...],
) -> None:
    """Order nodes, number all names, and drop what nothing uses.

    Args:
        model: an `onnx.ModelProto` with one output and no graphs within it; changed in place.
        pixels: shape of its input, uint8.
        features: shape of its output, float32.
    """
    import onnx
    from onnx.helper import make_tensor_value_info

    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    nodes = [_copy_of(node) for node in _in_order(graph)]
    used = {name for node in nodes for name in node.input}
    (image,) = (each.name for each in graph.input if each.name in used - tensors.keys())
    names = {"": "", image: PIXELS, graph.output[0].name: FEATURES}
    for number, node in enumerate(nodes):
        node.name = f"n{number}"
        for side in (node.input, node.output):
            side[:] = [names.setdefault(name, f"t{len(names)}") for name in side]
        attributes = sorted(map(_copy_of, node.attribute), key=lambda each: str(each.name))
        node.ClearField("attribute")
        node.attribute.extend(attributes)
    kept = [(new, _copy_of(tensors[old])) for old, new in names.items() if old in tensors]
    for new, tensor in kept:
        tensor.name = new
    for field in ("node", "initializer", "input", "output", "value_info"):
        graph.ClearField(field)
    graph.node.extend(nodes)
    graph.initializer.extend(tensor for _, tensor in kept)
    graph.input.append(make_tensor_value_info(PIXELS, onnx.TensorProto.UINT8, pixels))
    graph.output.append(make_tensor_value_info(FEATURES, onnx.TensorProto.FLOAT, features))
    graph.name, graph.doc_string = "base", ""
    model.producer_name, model.producer_version = "frozen-features", ""
    model.ClearField("metadata_props")


def _in_order(graph: Any) -> list[Any]:  # noqa: ANN401 - onnx is untyped
    """What the output needs, each after what its own inputs need, first input first."""
    makers = {name: node for node in graph.node for name in node.output if name}
    ordered: dict[tuple[str, ...], Any] = {}
    waiting = [(makers[graph.output[0].name], False)]
    while waiting:
        node, is_ready = waiting.pop()
        made = tuple(node.output)
        if made in ordered:
            continue
        if is_ready:
            ordered[made] = node
            continue
        waiting.append((node, True))
        waiting += [(makers[name], False) for name in reversed(node.input) if name in makers]
    return list(ordered.values())


def _copy_of(message: Any) -> Any:  # noqa: ANN401 - any protobuf message
    return type(message).FromString(message.SerializeToString())
