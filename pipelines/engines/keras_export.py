"""Having Keras write a network in another format."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

_TRACKING = "_filter_and_track_resources"

ONE_AT_A_TIME = threading.RLock()
"""Held while a library's function is replaced for an export, so that no other one takes the
replacement for the library's own, or finds it gone half-way."""


def export_as(network: "keras.Model", path: Path, format_name: str) -> None:
    """Write a network in one of the formats that Keras makes from a traced function.

    Args:
        network: has been called once, or Keras refuses it.
        path: the new file.
        format_name: "onnx" or "openvino".
    """
    with ONE_AT_A_TIME, _resources_untracked():
        network.export(str(path), format=format_name, verbose=False)


@contextmanager
def _resources_untracked() -> Iterator[None]:
    """Keep Keras from tracing the network once more.

    It looks for the lookup tables that a SavedModel would have to hold, and for that traces every
    layer: a third of the time of a conversion. Neither format can hold such tables.
    """
    try:
        from keras.src.export.saved_model_export_archive import SavedModelExportArchive as Archive
    except ImportError:
        yield
        return
    theirs = getattr(Archive, _TRACKING, None)
    if theirs is None:
        yield
        return
    setattr(Archive, _TRACKING, lambda _: None)
    try:
        yield
    finally:
        setattr(Archive, _TRACKING, theirs)
