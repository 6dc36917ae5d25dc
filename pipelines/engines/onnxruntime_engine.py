"""ONNX Runtime runs the base: bases that come as ONNX files."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.bases.onnx_file.composing import COMPOSED_FILE
from pipelines.contract import Contract
from pipelines.engines.parallel import Features, ParallelRuns, Pixels
from pipelines.errors import UnsuitableEngineError

if TYPE_CHECKING:
    import keras

GROUP = 1
"""Images a thread takes at once; each is run alone."""


def convert(model: "keras.Model", contract: Contract, folder: Path) -> None:
    """Refuse a Keras model.

    Raises:
        UnsuitableEngineError: always.
    """
    raise UnsuitableEngineError("it runs bases that come as ONNX files")


def load(folder: Path, threads: int, batch_size: int) -> "OnnxRuntimeEngine":
    """Open a composed file; see `OnnxRuntimeEngine`."""
    return OnnxRuntimeEngine(folder, threads, batch_size)


class OnnxRuntimeEngine:
    """One session of one thread, called on as many threads as there are cores, an image a call."""

    name = "onnxruntime"

    def __init__(self, folder: Path, threads: int, batch_size: int) -> None:
        """Open a session.

        Args:
            folder: holds a file that `pipelines.bases.onnx_file` composed.
            threads: cores to use.
            batch_size: images a call of `extract`.
        """
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / COMPOSED_FILE), settings, providers=["CPUExecutionProvider"]
        )
        (pixels,) = self._session.get_inputs()
        self._input = pixels.name
        self.batch_size = batch_size
        first = self._one(np.zeros(pixels.shape, np.uint8))
        self.feature_shape: tuple[int, ...] = first.shape[1:]
        self._parallel = ParallelRuns(self._run, threads, GROUP)

    def extract(self, images: Pixels) -> Features:
        """Run the base; see `Engine.extract`."""
        return self._parallel(images)

    def shrink(self, failed: int) -> None:
        """See `Engine.shrink`."""
        self.batch_size = min(self.batch_size, max(1, failed // 2))

    def _run(self, images: Pixels) -> Features:
        ones = [self._one(images[at : at + 1]).reshape(1, -1) for at in range(len(images))]
        return np.concatenate(ones)

    def _one(self, image: Pixels) -> Features:
        features: Features = self._session.run(None, {self._input: image})[0]
        return features
