"""A look into a `.keras` file before Keras opens it: sizes, code, and what points elsewhere."""

import importlib.util
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.errors import BaseFileError

MOST_BYTES = 1 << 33
"""That the members of a file may have unpacked."""

CONFIG, WEIGHTS = "config.json", "model.weights.h5"

_CODE = frozenset(
    {"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer"}
)
"""Classes of Keras's that hold or fetch somebody's code."""

_FUNCTIONS = ("keras.activations", "keras.src.activations", "builtins")
"""Where functions come from that a layer may name."""

_HUB = "keras_hub"


def check_archive(path: Path) -> None:
    """Refuse a file that holds code, is huge once unpacked, or refers to other files.

    Raises:
        BaseFileError: it does, or is no `.keras` file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > MOST_BYTES:
                raise BaseFileError(
                    f"{path} has {unpacked:,} bytes unpacked; at most {MOST_BYTES:,} are read"
                )
            config = json.loads(archive.read(CONFIG))
            weights = archive.read(WEIGHTS)
    except (OSError, KeyError, ValueError, RecursionError, zipfile.BadZipFile) as error:
        raise BaseFileError(f"{path} is no .keras file, or is cut short") from error
    for each in _objects(config):
        _check_class(each, path)
    _check_weights(weights, path)


def _objects(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - whatever JSON holds
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            if "class_name" in each:
                yield each
            left += each.values()
        elif isinstance(each, list):
            left += each


def _check_class(said: dict[str, Any], path: Path) -> None:
    name, module = str(said["class_name"]), said.get("module")
    registered = str(said.get("registered_name") or "")
    package = str(module or "keras").partition(".")[0]
    if package == _HUB and importlib.util.find_spec(_HUB) is None:
        raise BaseFileError(f"{path} has {name} of Keras Hub; pip install keras-hub")
    own = package in ("keras", _HUB, "builtins")
    custom = ">" in registered and not registered.startswith(_HUB)
    function = name == "function" and not str(module).startswith(_FUNCTIONS)
    if not own or custom or function or name in _CODE:
        raise BaseFileError(
            f"{path} has {registered or name} of {module}, which is or may be somebody's own code; "
            "only Keras's own layers are opened"
        )


def _check_weights(data: bytes, path: Path) -> None:
    import h5py

    try:
        with h5py.File(io.BytesIO(data)) as file:
            groups = [file]
            while groups:
                group = groups.pop()
                for name in group:
                    if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
                        raise BaseFileError(f"{path} refers to a file of its own: {name}")
                    member = group[name]
                    if isinstance(member, h5py.Group):
                        groups.append(member)
                    elif member.external:
                        raise BaseFileError(f"{path} refers to a file of its own: {name}")
    except BaseFileError:
        raise
    except Exception as error:  # h5py raises many kinds
        raise BaseFileError(f"{path} is damaged: its weights are no HDF5") from error
