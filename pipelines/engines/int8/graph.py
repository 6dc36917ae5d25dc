"""A base as one ONNX graph whose bytes depend on nothing but the base and the contract."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.contract import Contract
from pipelines.engines.composing import compose
from pipelines.engines.int8.canonical import make_canonical
from pipelines.engines.int8.exportable import exportable, without_erfc
from pipelines.engines.onnx_export import export_onnx
from pipelines.errors import EngineError

if TYPE_CHECKING:
    import keras


def float_graph(model: "keras.Model", contract: Contract) -> Any:  # noqa: ANN401 - onnx is untyped
    """Export a base, preprocessing included, in float32.

    Args:
        model: the frozen base.
        contract: layer, pooling, preprocessing and image size wanted.

    Returns:
        An `onnx.ModelProto` from uint8 (1, size, size, 3) to float32 features, not yet flattened.

    Raises:
        EngineError: the exporter cannot say all of it in ONNX's operations.
    """
    import onnx

    composed = compose(exportable(model), contract, None)
    size = contract.image_size
    shape = composed(np.zeros((1, size, size, 3), np.uint8)).shape
    with tempfile.TemporaryDirectory() as folder, _exporter_silenced():
        path = Path(folder) / "base.onnx"
        export_onnx(composed, path)
        exported = onnx.load(path)
    without_erfc(exported.graph)
    _require_onnx_alone(exported, contract.base)
    make_canonical(exported, (1, size, size, 3), tuple(int(side) for side in shape))
    return exported


@contextmanager
def _exporter_silenced() -> Iterator[None]:
    """Keep tf2onnx from a line for each layer that it does not know; we say it in one."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(level)


def _require_onnx_alone(model: Any, base: str) -> None:  # noqa: ANN401 - onnx is untyped
    """Refuse a graph in which the exporter left operations of TensorFlow's."""
    import onnx

    found = {node.op_type for node in model.graph.node if not node.domain}
    unknown = sorted(each for each in found if not onnx.defs.has(each))
    if unknown:
        raise EngineError(
            f"{base} cannot be quantised: its export to ONNX keeps TensorFlow's "
            f"{' and '.join(unknown)}; leave --compute_dtype out, or name an ONNX file of it by "
            "--base"
        )
