"""OpenVINO runs the base: Intel's CPU runtime, on the model that Keras itself exports."""

import queue
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.bases.onnx_file.composing import COMPOSED_FILE
from pipelines.contract import Contract
from pipelines.engines.composing import compose
from pipelines.engines.keras_export import ONE_AT_A_TIME, export_as
from pipelines.engines.parallel import Features, ParallelRuns, Pixels
from pipelines.errors import UnsuitableEngineError

if TYPE_CHECKING:
    import keras

MODEL_FILE = "model.xml"
QUANTISED_FILE = "quantised.onnx"
"""What a folder holds instead, if the base is quantised."""

DTYPE_FILE = "compute_dtype"
"""What a folder's model is to compute in, if that is not float32."""

HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
"""What OpenVINO calls what it can compute a float32 model in."""

MULTIPLYING = ("Convolution", "FullyConnected", "MatMul")
"""OpenVINO's kinds of layers that do a base's arithmetic."""

GROUP = 1
"""Images a thread takes at once; each is run alone."""


def load_openvino() -> Any:  # noqa: ANN401 - a module without types
    """Import OpenVINO without its telemetry, which would send an event at every import.

    OpenVINO falls back to a stub when `openvino_telemetry` cannot be imported.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def convert(model: "keras.Model", contract: Contract, folder: Path) -> None:
    """Export a base, preprocessing included, into a folder.

    The model is float32's whatever it computes in, which OpenVINO is told when it opens it.

    Raises:
        UnsuitableEngineError: the contract wants a compute dtype that it has not.
    """
    if contract.compute_dtype not in HINTS:
        raise UnsuitableEngineError(f"it does not compute in {contract.compute_dtype}")
    composed = compose(model, replace(contract, compute_dtype="float32"), None)
    composed(np.zeros((1, contract.image_size, contract.image_size, 3), np.uint8))
    export_network(composed, folder / MODEL_FILE)
    if contract.compute_dtype != "float32":
        (folder / DTYPE_FILE).write_text(contract.compute_dtype, encoding="ascii")


def export_network(network: "keras.Model", path: Path) -> None:
    """Write a network as OpenVINO's pair of files.

    Args:
        network: that was called once, as Keras wants it.
        path: the .xml of the two; the .bin lies beside it.
    """
    load_openvino()
    with ONE_AT_A_TIME, _tensorflow_s_version_looked_up():
        export_as(network, path, "openvino")


@contextmanager
def _tensorflow_s_version_looked_up() -> Iterator[None]:
    """Look up TensorFlow's version for OpenVINO, which fails to do so since Python 3.13.

    OpenVINO 2026.4 deletes by one `exec` what another one imported, and since PEP 667 neither sees
    the other's names.
    """
    from openvino.frontend.tensorflow import utils

    theirs = utils.get_environment_setup
    utils.get_environment_setup = lambda _: {"tensorflow": sys.modules["tensorflow"].__version__}
    try:
        yield
    finally:
        utils.get_environment_setup = theirs


def load(folder: Path, threads: int, batch_size: int) -> "OpenVinoEngine":
    """Open what `convert` wrote; see `OpenVinoEngine`."""
    return OpenVinoEngine(folder, threads, batch_size)


class OpenVinoEngine:
    """One stream of one thread a core, an image at a time; of a quantised base, a model a core.

    That is as fast as batches here (docs/decisions/0013), and makes an image's features depend on
    nothing but the image.
    """

    name = "openvino"

    def __init__(self, folder: Path, threads: int, batch_size: int) -> None:
        """Compile a model for this machine's processor.

        Args:
            folder: what `convert` filled, or a file that `pipelines.bases.onnx_file` composed.
            threads: cores to use.
            batch_size: images a call of `extract`.

        Raises:
            UnsuitableEngineError: this processor has no code for what the model is to compute in.
        """
        kept = (QUANTISED_FILE, MODEL_FILE, COMPOSED_FILE)
        file = next(folder / name for name in kept if (folder / name).is_file())
        asked = folder / DTYPE_FILE
        dtype = asked.read_text(encoding="ascii") if asked.is_file() else "float32"
        quantised = file.name == QUANTISED_FILE
        compiled = _one_a_thread(file, threads) if quantised else [_compiled(file, threads, dtype)]
        if dtype != "float32":
            _require_computes_in(dtype, compiled[0])
        self.feature_shape: tuple[int, ...] = tuple(compiled[0].output(0).shape)[1:]
        self.batch_size = batch_size
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for place in range(threads):
            self._requests.put(compiled[place % len(compiled)].create_infer_request())
        self._parallel = ParallelRuns(self._run, threads, GROUP)
        # Two threads whose first calls meet would wait for each other for ever (decision 13).
        for _ in compiled:
            self._run(np.zeros((1, *compiled[0].input(0).shape[1:]), np.uint8))

    def extract(self, images: Pixels) -> Features:
        """Run the base; see `Engine.extract`."""
        return self._parallel(images)

    def shrink(self, failed: int) -> None:
        """See `Engine.shrink`."""
        self.batch_size = min(self.batch_size, max(1, failed // 2))

    def _run(self, images: Pixels) -> Features:
        features = np.empty((len(images), int(np.prod(self.feature_shape))), np.float32)
        request = self._requests.get()
        try:
            for place in range(len(images)):
                output = request.infer([images[place : place + 1]], share_inputs=True)
                features[place] = output[0].reshape(-1)
        finally:
            self._requests.put(request)
        return features


def _compiled(file: Path, streams: int, dtype: str = "float32") -> Any:  # noqa: ANN401 - untyped
    core = load_openvino().Core()
    model = core.read_model(file)
    _, *image = model.input(0).partial_shape
    model.reshape([1, *(side.get_length() for side in image)])
    settings = {
        "INFERENCE_PRECISION_HINT": HINTS[dtype],
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": streams,
        # Decoding threads share the cores, and so may other processes.
        "ENABLE_CPU_PINNING": False,
    }
    return core.compile_model(model, "CPU", settings)


def _one_a_thread(file: Path, threads: int) -> list[Any]:
    """A quantised base compiled once for each thread.

    OpenVINO 2026.4 compiles the streams of one model at the same time, and with int8 residual
    networks they then compute other numbers in most processes (decision 30).
    """
    first = _compiled(file, 1)
    with ThreadPoolExecutor(threads) as pool:
        return [first, *pool.map(lambda _: _compiled(file, 1), range(threads - 1))]


def _require_computes_in(dtype: str, compiled: Any) -> None:  # noqa: ANN401 - OpenVINO is untyped
    """Make sure of the arithmetic: where OpenVINO lacks code it takes another dtype, silently.

    Raises:
        UnsuitableEngineError: it did.
    """
    facts = [layer.get_rt_info() for layer in compiled.get_runtime_model().get_ops()]
    found = {
        fact["runtimePrecision"].astype(str)
        for fact in facts
        if "layerType" in fact and fact["layerType"].astype(str) in MULTIPLYING
    }
    others = sorted(found - {HINTS[dtype]})
    if others:
        raise UnsuitableEngineError(
            f"OpenVINO computes in {' and '.join(others)} on this processor, not in {dtype}"
        )
