"""One way to a table's files: the local disk, or delta-rs's own storage layer elsewhere."""

import os
from pathlib import Path

import pyarrow.fs as pafs
from deltalake.fs import DeltaStorageHandler

from pipelines.errors import TableError, UsageError
from pipelines.table.schema import DATA_FOLDER, FAILURES_FOLDER


def table_uri(location: str) -> str:
    """A table's location as delta-rs takes it: a URI as it is, a local path made absolute.

    Raises:
        UsageError: the location is empty, as an unset variable of a script would be.
    """
    if not location:
        raise UsageError("the table's location is empty; name a folder with --table")
    return location if "://" in location else str(Path(location).expanduser().resolve())


def open_storage(uri: str) -> pafs.FileSystem:
    """A filesystem whose root is the table's folder; a local folder is made if it is not there.

    Args:
        uri: what `table_uri` gives.

    Raises:
        OSError: the folder cannot be made or reached.
    """
    if _is_local(uri):
        (Path(uri) / DATA_FOLDER).mkdir(parents=True, exist_ok=True)
    return open_folder(uri)


def open_folder(uri: str) -> pafs.FileSystem:
    """A filesystem whose root is a folder that is there."""
    if _is_local(uri):
        # Not delta-rs's handler: Arrow's reading threads would call back into Python, and a process
        # that ends while one still does is aborted (docs/decisions/0008).
        return pafs.SubTreeFileSystem(uri, pafs.LocalFileSystem())
    return pafs.PyFileSystem(DeltaStorageHandler(uri))


def folder_exists(uri: str) -> bool:
    """Whether a local folder is there; an object store has no folders, so always True for it."""
    return not _is_local(uri) or Path(uri).is_dir()


def check_table_folder(uri: str) -> None:
    """Refuse a local place that is a file, or a folder full of other things.

    Raises:
        TableError: it is.
    """
    if not _is_local(uri) or not Path(uri).exists():
        return
    if not Path(uri).is_dir():
        raise TableError(f"{uri} is a file; a feature table is a folder")
    names = {entry.name for entry in os.scandir(uri)}
    if names and not names & {"_delta_log", DATA_FOLDER, FAILURES_FOLDER}:
        raise TableError(f"{uri} is a folder of other things; name a new one for the table")


def check_writable(uri: str) -> None:
    """Find out, without leaving anything behind, whether a local folder could be made and written.

    Raises:
        TableError: it could not.
    """
    if not _is_local(uri):
        return
    nearest = Path(uri)
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise TableError(f"cannot write to {uri}: {nearest} is a file")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise TableError(f"cannot write to {uri}: no right to write in {nearest}")


def _is_local(uri: str) -> bool:
    return "://" not in uri


def list_data_files(storage: pafs.FileSystem) -> list[pafs.FileInfo]:
    """All Parquet files of a table's folder, committed or not, ascending by path.

    Delta's own compaction writes beside `data/`; folders that begin with an underscore hold other
    things.
    """
    infos = storage.get_file_info(pafs.FileSelector("", recursive=True))
    found = [info for info in infos if info.is_file and info.path.endswith(".parquet")]
    return sorted(
        (info for info in found if not info.path.startswith("_")), key=lambda info: info.path
    )
