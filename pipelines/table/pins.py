"""Versions of a table that models were trained on, and that tidying therefore keeps."""

import json
import uuid
from dataclasses import dataclass

import pyarrow.fs as pafs

from pipelines.cli import log
from pipelines.table.schema import PINS_FOLDER
from pipelines.table.storage import make_folder, open_storage
from pipelines.untrusted import value_from_json

MOST_BYTES = 2**16
"""Of a pin, which is a number and the name of a folder."""


@dataclass(frozen=True, slots=True)
class _Pin:
    """A note that a model's card names a version."""

    version: int
    model: str = ""


def pin_version(uri: str, version: int, model: str) -> None:
    """Note that a model's card names a version.

    Raises:
        OSError: the table's folder cannot be written.
    """
    make_folder(uri, PINS_FOLDER)
    storage = open_storage(uri)
    text = json.dumps({"version": version, "model": model})
    with storage.open_output_stream(f"{PINS_FOLDER}/{uuid.uuid4().hex}.json") as file:
        file.write(text.encode())


def pinned_versions(uri: str, newest: int) -> frozenset[int]:
    """The versions that models name; see `pinned_models`."""
    return frozenset(pinned_models(uri, newest))


def pinned_models(uri: str, newest: int) -> dict[int, frozenset[str]]:
    """By version that models name, the folders that these were written into.

    A note that cannot be understood, or names a version that the table does not have, as after a
    backup was put back, pins nothing; one line tells of all such notes.

    Args:
        uri: the table.
        newest: its newest version.

    Raises:
        OSError: a note cannot be reached now.
    """
    storage = open_storage(uri)
    models: dict[int, frozenset[str]] = {}
    passed_over: list[str] = []
    for info in storage.get_file_info(pafs.FileSelector(PINS_FOLDER, allow_not_found=True)):
        if not info.is_file:
            continue
        try:
            pin = _read(storage, info, newest)
        except FileNotFoundError:
            continue  # a link that leads nowhere
        except ValueError as error:
            passed_over.append(f"{info.path} ({error})")
            continue
        named = {pin.model} if pin.model else set()
        models[pin.version] = models.get(pin.version, frozenset()) | named
    if passed_over:
        more = f" and {len(passed_over) - 1} more" if len(passed_over) > 1 else ""
        log(f"keeping no version for {min(passed_over)}{more}: no version of the table is named")
    return models


def _read(storage: pafs.FileSystem, info: pafs.FileInfo, newest: int) -> _Pin:
    if info.size > MOST_BYTES:
        raise ValueError(f"{info.size} bytes are no pin")
    with storage.open_input_stream(info.path) as file:
        pin = value_from_json(file.read(MOST_BYTES), _Pin)
    if not 0 <= pin.version <= newest:
        raise ValueError(f"version {pin.version}; there are 0 to {newest}")
    return pin
