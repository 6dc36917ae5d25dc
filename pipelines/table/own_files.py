"""Which files in a table's folder are the table's own, so that tidying and forgetting may delete.

A folder may hold other things: another table, an export, a link to an archive. None of that is
looked into, however it is called.
"""

import posixpath
from collections.abc import Iterator

import pyarrow.fs as pafs

from pipelines.errors import TableError
from pipelines.table.feature_table import FeatureTable
from pipelines.table.links import Links
from pipelines.table.names import is_own_name
from pipelines.table.schema import DATA_FOLDER, LOG_FOLDER


def own_files(table: FeatureTable, ever_logged: frozenset[str]) -> list[pafs.FileInfo]:
    """The table's own data files, committed or not, ascending by path.

    They are those whose name is of our pattern directly under `data/`, and those that a version
    of this table holds or held, as Delta's own compaction writes them. A link is none, nor what
    lies behind one, nor what lies inside another table.

    Args:
        table: the newest version.
        ever_logged: what `paths_ever_logged` gives.

    Raises:
        TableError: `data/` is a table of its own.
    """
    refuse_table_in_data(table)
    storage = table.storage
    selector = pafs.FileSelector(DATA_FOLDER, allow_not_found=True)
    named = {info.path: info for info in storage.get_file_info(selector) if is_own_name(info.path)}
    logged = set(filter(_may_be_data, ever_logged)) - named.keys()
    found = [*named.values(), *storage.get_file_info(sorted(logged))]
    files = [info for info in found if info.is_file]
    foreign = _other_tables(storage, {parent for info in files for parent in _parents(info.path)})
    links = Links(table.uri)
    own = [
        info
        for info in files
        if foreign.isdisjoint(_parents(info.path)) and not links.on_the_way(info.path)
    ]
    return sorted(own, key=lambda info: info.path)


def refuse_table_in_data(table: FeatureTable) -> None:
    """Refuse to delete anything where somebody made a table of the table's own folder of files.

    Raises:
        TableError: `data/` is a Delta table of its own.
    """
    if _other_tables(table.storage, {DATA_FOLDER}):
        raise TableError(
            f"{table.uri}/{DATA_FOLDER} is a Delta table of its own, whose files are not to be "
            f"deleted; move its {LOG_FOLDER} away"
        )


def _may_be_data(path: str) -> bool:
    """Whether a path that a log names can be that of a data file, and not of a log or a note."""
    hidden = any(part.startswith(("_", ".")) for part in path.split("/"))
    return path.endswith(".parquet") and not hidden


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _other_tables(storage: pafs.FileSystem, folders: set[str]) -> set[str]:
    logs = storage.get_file_info([f"{folder}/{LOG_FOLDER}" for folder in sorted(folders)])
    return {posixpath.dirname(i.path) for i in logs if i.type != pafs.FileType.NotFound}
