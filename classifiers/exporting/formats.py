"""The formats that there are: how each is written with its card in it, and how it is run."""

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifiers.exporting.whole import INPUT, Whole
from classifiers.heads.network import read_network
from pipelines.engines.onnx_export import export_onnx
from pipelines.engines.openvino_engine import export_network, load_openvino

Pixels = npt.NDArray[np.uint8]
Found = npt.NDArray[np.float32]

CARD = "frozen_features_card"
"""What the card is called in a file: ONNX's metadata, OpenVINO's rt_info."""

CARD_MEMBER = f"{CARD}.json"
"""Of a .keras file, which is a ZIP archive."""

AT_ONCE = 16
"""Images that an exported model is tried on at once."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        suffix: of its file's name.
        packages: that write and run it, besides Keras.
        beside: suffix of a second file; None where there is one alone.
        write: (the model, its card, the file) writes it.
        run: (the file, uint8 pixels) gives float32 (n, classes).
    """

    suffix: str
    packages: tuple[str, ...]
    beside: str | None
    write: Callable[[Whole, str, Path], None]
    run: Callable[[Path, Pixels], Found]

    def require_packages(self) -> None:
        """Say before any work what is not installed.

        Raises:
            ModuleNotFoundError: names the package.
        """
        for package in self.packages:
            if find_spec(package) is None:
                raise ModuleNotFoundError(f"{package} is not installed", name=package)


def _write_keras(whole: Whole, card: str, path: Path) -> None:
    whole.network.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CARD_MEMBER, card)


def _run_keras(path: Path, pixels: Pixels) -> Found:
    network = read_network(path)
    return _together(np.asarray(network.predict_on_batch(some)) for some in _batches(pixels))


def _write_onnx(whole: Whole, card: str, path: Path) -> None:
    import onnx

    export_onnx(whole.network, path)
    model = onnx.load(str(path))
    (output,) = model.graph.output
    before = output.name
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [whole.gives if name == before else name for name in names]
    output.name = whole.gives
    # Of a plain chain of convolutions tf2onnx leaves an input that nothing takes.
    taken = {name for node in model.graph.node for name in node.input}
    inputs = [value for value in model.graph.input if value.name in taken]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    for value in (*model.graph.input, output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    model.metadata_props.add(key=CARD, value=card)
    onnx.save(model, str(path))


def _run_onnx(path: Path, pixels: Pixels) -> Found:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return _together(session.run(None, {INPUT: some})[0] for some in _batches(pixels))


def _write_openvino(whole: Whole, card: str, path: Path) -> None:
    openvino = load_openvino()
    raw = path.with_name(f"raw-{path.name}")
    export_network(whole.network, raw)
    model = openvino.Core().read_model(raw)
    model.input(0).set_names({INPUT})
    model.output(0).set_names({whole.gives})
    model.set_rt_info(json.dumps(json.loads(card)), [CARD])  # XML keeps no line breaks
    openvino.save_model(model, path, compress_to_fp16=False)


def _run_openvino(path: Path, pixels: Pixels) -> Found:
    core = load_openvino().Core()
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(path), "CPU", exact)
    return _together(compiled([some])[0].copy() for some in _batches(pixels))


def _batches(pixels: Pixels) -> Iterator[Pixels]:
    return (pixels[start : start + AT_ONCE] for start in range(0, len(pixels), AT_ONCE))


def _together(parts: Iterator[npt.NDArray[np.float32]]) -> Found:
    return np.concatenate(list(parts))


FORMATS = {
    "keras": Format(".keras", (), None, _write_keras, _run_keras),
    "onnx": Format(".onnx", ("tf2onnx", "onnxruntime"), None, _write_onnx, _run_onnx),
    "openvino": Format(".xml", ("openvino",), ".bin", _write_openvino, _run_openvino),
}
