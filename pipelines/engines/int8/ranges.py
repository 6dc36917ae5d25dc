"""Between which values the tensors lie that are quantised: found by running a base on images."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.engines.parallel import Pixels
from pipelines.system.cores import usable_cores

KEEPS_VALUES = "MaxPool"
"""Its output is quantised as its input is; of what multiplies, only what goes in."""


def write_ranges(graph: Any, nodes: Collection[str], images: Pixels, file: Path) -> None:  # noqa: ANN401
    """Find the lowest and the highest value of each tensor, and write them for `quantize_static`.

    An image is run on one thread: ONNX Runtime's own wait for each other by spinning, which took
    half as much processor time again, and how many there are decides some convolutions' last bits.

    Args:
        graph: an `onnx.ModelProto` from uint8 (1, size, size, 3).
        nodes: names of those that are quantised.
        images: uint8 (n, size, size, 3), at least one.
        file: where they are written.
    """
    import onnxruntime
    from onnxruntime.quantization import CalibrationMethod, TensorsData, save_tensors_data

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    # Fused layers, or others' layouts, would round otherwise, and give the file another hash.
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    watched = _quantised_tensors(graph, nodes)
    session = onnxruntime.InferenceSession(
        _showing(graph, watched), settings, providers=["CPUExecutionProvider"]
    )
    (pixels_in,) = (each.name for each in session.get_inputs())

    def extremes(image: Pixels) -> list[tuple[Any, Any]]:
        found = session.run(watched, {pixels_in: image[np.newaxis]})
        return [(values.min(), values.max()) for values in found]

    with ThreadPoolExecutor(usable_cores()) as pool:
        of_images = list(pool.map(extremes, images))
    ranges = {}
    for name, pairs in zip(watched, zip(*of_images, strict=True), strict=True):
        lowest, highest = zip(*pairs, strict=True)
        ranges[name] = (np.nanmin(lowest, keepdims=True), np.nanmax(highest, keepdims=True))
    save_tensors_data(TensorsData(CalibrationMethod.MinMax, ranges), file)


def _quantised_tensors(graph: Any, nodes: Collection[str]) -> list[str]:  # noqa: ANN401 - untyped
    constants = {"", *(tensor.name for tensor in graph.graph.initializer)}
    found: dict[str, None] = {}
    for node in graph.graph.node:
        if node.name in nodes:
            found |= dict.fromkeys(node.input)
            found |= dict.fromkeys(node.output if node.op_type == KEEPS_VALUES else ())
    return [name for name in found if name not in constants]


def _showing(graph: Any, tensors: Collection[str]) -> bytes:  # noqa: ANN401 - onnx is untyped
    """The same graph with other outputs."""
    import onnx

    shown = onnx.ModelProto()
    shown.CopyFrom(graph)
    shown.graph.ClearField("output")
    shown.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in tensors)
    content: bytes = shown.SerializeToString()
    return content
