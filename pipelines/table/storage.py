"""One way to a table's files, on the local disk or on an object store.

Files are read and written through Arrow's own filesystems, never through delta-rs's handler: with
that Arrow's reading threads would call back into Python, and a process that ends while one still
does is aborted (docs/decisions/0008).
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pipelines.bases.quantised import BASE_FOLDER
from pipelines.errors import TableError, UsageError
from pipelines.stores.clients import delta_options, open_filesystem
from pipelines.stores.complaints import complaint
from pipelines.stores.delta_readers import said_by_delta
from pipelines.stores.door import require_store
from pipelines.stores.objects import StoreError, check_can_write, first_objects
from pipelines.stores.places import is_remote, parse_place
from pipelines.table.links import Links
from pipelines.table.schema import (
    AGREEMENT_FOLDER,
    DATA_FOLDER,
    DRIFT_FOLDER,
    FAILURES_FOLDER,
    INDEX_FOLDER,
    LOG_FOLDER,
    PAGES_FOLDER,
    PINS_FOLDER,
)

_OURS = (
    *(LOG_FOLDER, DATA_FOLDER, FAILURES_FOLDER, PINS_FOLDER),
    *(INDEX_FOLDER, PAGES_FOLDER, BASE_FOLDER, DRIFT_FOLDER, AGREEMENT_FOLDER),
)
"""Folders of a table's folder that are ours."""

_NOT_FOR_DELTA = re.compile(r"%[0-9A-Fa-f]{2}|[\\\x00-\x1f\x7f\ud800-\udfff]")
"""What delta-rs decodes, takes for "/", or does not take at all, in the path of a local table."""


def table_uri(location: str) -> str:
    """A table's location as delta-rs takes it: a URI as it is, a local path made absolute.

    Raises:
        UsageError: the location is empty, as an unset variable of a script would be, is on a store
            of another kind than those known, or is a local path that Delta would take for another.
    """
    if not location:
        raise UsageError("the table's location is empty; name a folder with --table")
    if is_remote(location):
        return parse_place(location).uri
    if "\0" in location:
        raise UsageError(f"{location!r} cannot be a table's folder: it holds a NUL character")
    try:
        path = str(Path(location).expanduser().resolve())
    except RuntimeError as error:  # ~ of a user that there is not, or links in a circle
        raise UsageError(f"cannot use {location}: {error} Name the folder in full") from error
    if odd := _NOT_FOR_DELTA.search(path):
        raise UsageError(
            f"{path!r} cannot be a table's folder: Delta tables cannot lie where a path holds "
            f"{odd[0]!r}; choose another name, or move the folder"
        )
    return path


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


def plain_files(storage: pafs.FileSystem, folder: str) -> list[str]:
    """Paths of the files directly in a folder inside the table's; links are left out."""
    selector = pafs.FileSelector(folder, allow_not_found=True)
    paths = [info.path for info in storage.get_file_info(selector) if info.is_file]
    if not is_local(storage):
        return paths
    links = Links(storage.base_path)
    return [path for path in paths if not links.on_the_way(path)]


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
    """Whether there is a Delta table at a place; whoever opens one asks first.

    Raises:
        DeltaError, OSError: delta-rs's own.
        TableError: its log holds what is no file of it.
    """
    if not is_remote(uri):
        _refuse_odd_log(uri)
    return bool(DeltaTable.is_deltatable(uri, storage_options=delta_settings(uri)))


@contextlib.contextmanager
def delta_errors(uri: str, doing: str) -> Iterator[None]:
    """Around work on a Delta log: what delta-rs raises becomes a `TableError` of one line."""
    try:
        yield
    # ValueError: what is in the log is no number, no JSON, or of another type than it must be.
    except (DeltaError, OSError, ValueError, pa.ArrowException) as error:
        said = complaint(error, parse_place(uri)) if is_remote(uri) else str(error)
        said = said_by_delta(said)
        said += "; only what wrote it may read it" if "Unsupported: Feature" in said else ""
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
            require_store(place)
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
    if names and not names & {LOG_FOLDER, DATA_FOLDER, FAILURES_FOLDER, BASE_FOLDER}:
        raise TableError(f"{uri} is a folder of other things; name a new one for the table")
    _refuse_folders_elsewhere(uri)


def _refuse_folders_elsewhere(uri: str) -> None:
    links = Links(uri)
    for name in _OURS:
        if links.lead_out(name):
            raise TableError(
                f"{uri}/{name} is a link that leads out of the table's folder, and is not "
                "followed; move what it leads to into its place"
            )


def _refuse_odd_log(uri: str) -> None:
    """Refuse what delta-rs would follow out of the table, wait for, or not be able to write."""
    log, links = Path(uri, LOG_FOLDER), Links(uri)
    if links.lead_out(LOG_FOLDER):
        raise TableError(f"{log} is a link that leads out of the table's folder")
    if not log.is_dir():
        return
    with os.scandir(log) as entries:
        odd = [entry for entry in entries if not entry.is_file(follow_symlinks=False)]
    for entry in odd:
        what = None
        if links.lead_out(f"{LOG_FOLDER}/{entry.name}"):
            what = "a link that leads out of the table's folder"
        elif links.is_special(f"{LOG_FOLDER}/{entry.name}"):
            what = "a pipe, a socket or a device"
        elif entry.is_dir() and entry.name.endswith(".json"):
            what = "a folder"
        if what is not None:
            raise TableError(f"{log / entry.name} is {what}, and no file of a log; remove it")


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
