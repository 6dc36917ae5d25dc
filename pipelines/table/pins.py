"""Versions of a table that models were trained on, and that tidying therefore keeps."""

import json
import uuid

import pyarrow as pa
import pyarrow.fs as pafs

from pipelines.table.storage import make_folder, open_storage

PINS_FOLDER = "_pins"
"""Beside the data; vacuum leaves underscore folders alone."""


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


def pinned_versions(uri: str) -> frozenset[int]:
    """The versions that models name; a note that cannot be read pins nothing."""
    storage = open_storage(uri)
    selector = pafs.FileSelector(PINS_FOLDER, allow_not_found=True)
    versions = set()
    for info in storage.get_file_info(selector):
        try:
            with storage.open_input_file(info.path) as file:
                versions.add(int(json.loads(file.read())["version"]))
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
            continue
    return frozenset(versions)
