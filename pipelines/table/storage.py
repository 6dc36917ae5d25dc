"""One way to a table's files, by delta-rs's own storage layer, so that one set of credentials serves."""

from pathlib import Path

import pyarrow.fs as pafs
from deltalake.fs import DeltaStorageHandler


def table_uri(location: str) -> str:
    """A table's location as delta-rs takes it: a URI as it is, a local path made absolute."""
    return location if "://" in location else str(Path(location).expanduser().resolve())


def open_storage(uri: str, *, create: bool = False) -> pafs.FileSystem:
    """A filesystem whose root is the table's folder.

    Args:
        uri: what `table_uri` gives.
        create: make a local folder that is not there yet.

    Raises:
        OSError: the folder cannot be made or reached.
    """
    if create and "://" not in uri:
        Path(uri).mkdir(parents=True, exist_ok=True)
    return pafs.PyFileSystem(DeltaStorageHandler(uri))
