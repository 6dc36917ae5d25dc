"""A Keras network as an ONNX file, by tf2onnx."""

import gc
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def export_onnx(network: "keras.Model", path: Path) -> None:
    """Write a network, and leave no memory behind.

    Each of tf2onnx's optimizers copies the graph with its weights, and leaves the copy in a cycle:
    several gigabytes of VGG16, which Python would keep for as long as it makes few new objects.

    Args:
        network: has been called once, or Keras refuses it.
        path: the new file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # tf2onnx on NumPy 2
        network.export(str(path), format="onnx", verbose=False)
    gc.collect()
