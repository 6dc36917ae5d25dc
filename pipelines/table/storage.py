"""One way to a table's files, on the local disk or on an object store.

Files are read and written through Arrow's own filesystems, never through delta-rs's handler: with
that Arrow's reading threads would call back into Python, and a process that ends while one still
does is aborted (docs/decisions/0008).
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs as pafs
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pipelines.errors import TableError, UsageError
from pipelines.stores.clients import delta_options, open_filesystem
from pipelines.stores.complaints import complaint
from pipelines.stores.objects import StoreError, check_can_write, first_objects
from pipelines.stores.places import is_remote, parse_place
from pipelines.table.schema import DATA_FOLDER, FAILURES_FOLDER


def table_uri(location: str) -> str:
    """A table's location as delta-rs takes it: a URI as it is, a local path made absolute.

    Raises:
        UsageError: the location is empty, as an unset variable of a script would be, or on a store
            of another kind than those known.
    """
    if not location:
        raise UsageError("the table's location is empty; name a folder with --table")
    if is_remote(location):
        return parse_place(location).uri
    try:
        return str(Path(location).expanduser().resolve())
    except RuntimeError as error:  # a ~ of a user who has no home, or of nobody
        raise UsageError(f"{location}: {error} Name the folder in full") from error


def open_storage(uri: str) -> pafs.FileSystem:
    """A filesystem whose root is the table's folder; a local folder is made if it is not there.

    Args:
        uri: what `table_uri` gives.

    Raises:
        OSError: the folder cannot be made or reached.
    """
    make_folder(uri, DATA_FOLDER)
    return open_folder(uri)


def open_folder(uri: str) -> pafs.FileSystem:
    """A filesystem whose root is a folder that is there."""
    if is_remote(uri):
        return open_filesystem(parse_place(uri))
    return pafs.SubTreeFileSystem(uri, pafs.LocalFileSystem())


def is_local(storage: pafs.FileSystem) -> bool:
    """Whether what `open_folder` gave is a local folder."""
    return isinstance(getattr(storage, "base_fs", storage), pafs.LocalFileSystem)


def make_folder(uri: str, name: str) -> None:
    """Make a folder inside the table's; stores have none and need none."""
    if not is_remote(uri):
        (Path(uri) / name).mkdir(parents=True, exist_ok=True)


def delta_settings(uri: str) -> dict[str, str] | None:
    """Storage options for delta-rs; None for a local table."""
    return delta_options(parse_place(uri)) if is_remote(uri) else None


def open_delta(uri: str, version: int | None = None) -> DeltaTable:
    """The Delta table at a place, its newest version when none is named.

    Raises:
        DeltaError, OSError: delta-rs's own.
    """
    return DeltaTable(uri, version=version, storage_options=delta_settings(uri))


def is_delta(uri: str) -> bool:
    """Whether there is a Delta table at a place.

    Raises:
        DeltaError, OSError: delta-rs's own.
    """
    return bool(DeltaTable.is_deltatable(uri, storage_options=delta_settings(uri)))


@contextlib.contextmanager
def delta_errors(uri: str, doing: str) -> Iterator[None]:
    """Around work on a Delta log: what delta-rs raises becomes a `TableError` of one line."""
    try:
        yield
    except (DeltaError, OSError) as error:
        said = complaint(error, parse_place(uri)) if is_remote(uri) else str(error)
        raise TableError(f"cannot {doing} {uri}: {said}") from error


def folder_exists(uri: str) -> bool:
    """Whether a local folder is there; an object store has no folders, so always True for it."""
    return is_remote(uri) or Path(uri).is_dir()


def check_table_folder(uri: str) -> None:
    """Refuse a place that is a file, a folder full of other things, or a store out of reach.

    Raises:
        TableError: it is.
    """
    if is_remote(uri):
        place = parse_place(uri)
        try:
            found = [place.below(each.key) for each in first_objects(place)]
        except StoreError as error:
            raise TableError(str(error)) from error
        # A Delta log comes first of all that a table's folder holds, or among the first.
        names = {name.partition("/")[0] for name in found if name}
    elif not Path(uri).exists():
        return
    elif not Path(uri).is_dir():
        raise TableError(f"{uri} is a file; a feature table is a folder")
    else:
        names = {entry.name for entry in os.scandir(uri)}
    if names and not names & {"_delta_log", DATA_FOLDER, FAILURES_FOLDER}:
        raise TableError(f"{uri} is a folder of other things; name a new one for the table")


def check_writable(uri: str) -> None:
    """Find out, without leaving anything behind, whether the table's folder could be written.

    Raises:
        TableError: it could not.
    """
    if is_remote(uri):
        try:
            check_can_write(parse_place(uri), f"{FAILURES_FOLDER}/writable")
        except StoreError as error:
            raise TableError(str(error)) from error
        return
    nearest = Path(uri)
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise TableError(f"cannot write to {uri}: {nearest} is a file")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise TableError(f"cannot write to {uri}: no right to write in {nearest}")


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
