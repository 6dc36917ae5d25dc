"""Quantising a base once: ranges are found on some images, by ONNX Runtime, and stay in the file.

Weights have seven of their eight bits: without VNNI or AMX, x86 adds products of eight bits in
pairs that overflow 16 bits, and saturate (decision 30).
"""

import importlib.util
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.bases import WeightsRequest
from pipelines.bases.onnx_file.composing import COMPOSED_FILE
from pipelines.contract import ONNX_FILE, Contract
from pipelines.engines.int8.graph import float_graph
from pipelines.engines.int8.ranges import KEEPS_VALUES, write_ranges
from pipelines.engines.kinds import CONVERTING, ONNXRUNTIME, OPENVINO
from pipelines.engines.onnx_files import convert_file
from pipelines.engines.opening import open_base_of
from pipelines.engines.parallel import Pixels
from pipelines.engines.request import Computation
from pipelines.errors import EngineError, FrozenFeaturesError, UsageError

MULTIPLYING = ["Conv", "Gemm", "MatMul"]
"""Where nearly all multiplications are. What goes in has eight bits; what comes out, and all that
is done to it before the next one, is float32: activations, residual sums, normalisations."""

QUANTISED_NODES = [*MULTIPLYING, KEEPS_VALUES]
"""A maximum lies between them and changes no value, so it is taken of eight bits."""

_DEPTHWISE_INPUTS = 1
"""Channels that a kernel of a depthwise convolution sees."""

_CHANNEL_SCALES_FROM = 13
"""The opset from which weights may have a scale for each channel."""

_NEEDED = ("onnx", "onnxruntime", "tf2onnx")


@dataclass(frozen=True, slots=True)
class Quantised:
    """A base, quantised and as it was.

    Attributes:
        content: an ONNX file, from uint8 (1, size, size, 3) to float32 features.
        plain: the same in float32.
    """

    content: bytes
    plain: bytes


def require_quantiser() -> None:
    """Refuse, before any image is read, what is not installed.

    Raises:
        UsageError: a package is missing.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    missing += [] if CONVERTING[OPENVINO].installed else [OPENVINO]
    if missing:
        raise UsageError(
            f"--compute_dtype int8 needs {' and '.join(missing)} to quantise the base; "
            "pip install 'frozen-features[int8]'"
        )


def quantise(contract: Contract, weights: WeightsRequest, pixels: Pixels) -> Quantised:
    """Make a quantised base; the same images give the same bytes.

    Args:
        contract: the features wanted; its quantisation is not looked at.
        weights: where to look for the weights.
        pixels: uint8 (n, size, size, 3), images to find ranges on.

    Raises:
        WeightsError, BaseFileError: the base found here is not that of the contract.
        EngineError: the base cannot be quantised.
    """
    plain = replace(contract, compute_dtype="float32", quantisation=None)
    make = _graph_of_file if contract.base == ONNX_FILE else _graph_of_keras
    try:
        graph = make(plain, weights)
        return Quantised(_quantised(graph, pixels), graph.SerializeToString())
    except FrozenFeaturesError:
        raise
    except Exception as error:  # whatever a converter raises at a layer that it does not know
        said = " ".join(str(error).split())
        raise EngineError(
            f"{contract.base} cannot be quantised ({type(error).__name__}: {said}); use another "
            "--compute_dtype"
        ) from error


def _graph_of_keras(contract: Contract, weights: WeightsRequest) -> Any:  # noqa: ANN401
    return float_graph(open_base_of(contract, weights).model, contract)


def _graph_of_file(contract: Contract, weights: WeightsRequest) -> Any:  # noqa: ANN401
    """A stranger's graph, after it was composed and run in processes of their own."""
    import onnx
    from onnx.version_converter import convert_version

    with tempfile.TemporaryDirectory() as folder:
        convert_file(Computation(contract, weights, 1, 1).by(ONNXRUNTIME), Path(folder))
        graph = onnx.load(Path(folder) / COMPOSED_FILE)
    opset = max(each.version for each in graph.opset_import if not each.domain)
    if opset < _CHANNEL_SCALES_FROM:
        graph = convert_version(graph, _CHANNEL_SCALES_FROM)
    for number, node in enumerate(graph.graph.node):  # a stranger's may have no names
        node.name = f"n{number}"
    return graph


def _quantised_nodes(graph: Any) -> list[str]:  # noqa: ANN401 - onnx is untyped
    """Names of what is quantised: all but depthwise convolutions.

    Those do little of the arithmetic: eight bits cost most there and gain nothing (decision 30).
    """
    shapes = {tensor.name: tensor.dims for tensor in graph.graph.initializer}

    def is_depthwise(node: Any) -> bool:  # noqa: ANN401
        return (
            node.op_type == "Conv"
            and any(each.name == "group" and each.i > 1 for each in node.attribute)
            and list(shapes.get(node.input[1], ()))[1:2] == [_DEPTHWISE_INPUTS]
        )

    return [
        node.name
        for node in graph.graph.node
        if node.op_type in QUANTISED_NODES and not is_depthwise(node)
    ]


def _quantised(graph: Any, pixels: Pixels) -> bytes:  # noqa: ANN401 - onnx is untyped
    import onnx
    from onnxruntime.quantization import (
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    add_pre_process_metadata(graph)  # or it would advise a step that changes nothing here
    nodes = _quantised_nodes(graph)
    with tempfile.TemporaryDirectory() as folder:
        plain, quantised = Path(folder) / "plain.onnx", Path(folder) / "quantised.onnx"
        ranges = Path(folder) / "ranges.json"
        onnx.save(graph, plain)
        write_ranges(graph, nodes, pixels, ranges)
        quantize_static(
            str(plain),
            str(quantised),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=QUANTISED_NODES,
            nodes_to_quantize=nodes,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"OpTypesToExcludeOutputQuantization": MULTIPLYING},
            calibration_cache_path=ranges,
        )
        return quantised.read_bytes()
