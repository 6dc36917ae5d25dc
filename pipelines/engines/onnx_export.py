"""A Keras network as an ONNX file, by tf2onnx."""

import gc
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engines.keras_export import export_as

if TYPE_CHECKING:
    import keras

_COPIES = "TF2ONNX_CATCH_ERRORS"
"""Where this is not in the environment, tf2onnx copies the graph before each of its optimizers, to
go on without one that fails."""


def export_onnx(network: "keras.Model", path: Path) -> None:
    """Write a network, and leave no memory behind.

    The graph is not copied before each optimizer: of ResNet50 that took a third of the time and
    1.6 GB. Should one fail, all is done again with copies. What an optimizer drops lies in cycles
    and would be kept for as long as Python makes few new objects: gigabytes of VGG16.

    Args:
        network: has been called once, or Keras refuses it.
        path: the new file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # tf2onnx on NumPy 2
        try:
            with _without_copies():
                export_as(network, path, "onnx")
        except Exception:  # whatever an optimizer raises
            export_as(network, path, "onnx")
    gc.collect()


@contextmanager
def _without_copies() -> Iterator[None]:
    if _COPIES in os.environ:
        yield
        return
    os.environ[_COPIES] = "FALSE"
    try:
        yield
    finally:
        del os.environ[_COPIES]
