"""How far a quantised base's features are from float32's, on images that it was not made with."""

import tempfile
from pathlib import Path

import numpy as np

from pipelines.bases.onnx_file.composing import COMPOSED_FILE
from pipelines.engines.int8.quantising import Quantised
from pipelines.engines.kinds import OPENVINO
from pipelines.engines.onnxruntime_engine import OnnxRuntimeEngine
from pipelines.engines.openvino_engine import QUANTISED_FILE
from pipelines.engines.parallel import Pixels
from pipelines.engines.trial import relative_errors, try_conversion
from pipelines.records import Difference

_BATCH = 8


def difference_on(made: Quantised, images: Pixels, threads: int) -> Difference:
    """Run a quantised base by OpenVINO, and what it was made of by ONNX Runtime.

    Args:
        made: the base.
        images: uint8 (n, size, size, 3), n at least 1.
        threads: cores to use.

    Raises:
        EngineError: OpenVINO does not run the base.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / COMPOSED_FILE).write_bytes(made.plain)
        wanted = OnnxRuntimeEngine(Path(folder), threads, _BATCH).extract(images)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / QUANTISED_FILE).write_bytes(made.content)
        found = try_conversion(OPENVINO, Path(folder), threads, _BATCH, images)
    errors = relative_errors(found, wanted)
    return Difference(float(np.median(errors)), float(errors.max()), len(images))
