"""What a table's log says of its data files, without opening one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
from deltalake import DeltaTable

from pipelines.table.links import Links
from pipelines.table.log_paths import as_delta_decodes, can_be_removed, path_in_table
from pipelines.table.notes import Finding


@dataclass(frozen=True, slots=True)
class LoggedFile:
    """A data file as the log has it.

    Attributes:
        path: inside the table's folder, as the file is called.
        spelled: the same as the log spells it.
        size: in bytes.
        rows: how many; None where its writer kept no statistics.
        least_split, greatest_split: bounds of its rows' splits; None without statistics. Those of
            long names may be cut short by another writer, and are bounds all the same.
    """

    path: str
    spelled: str
    size: int
    rows: int | None
    least_split: str | None
    greatest_split: str | None

    @property
    def only_split(self) -> str | None:
        """The split of all its rows; None where the log does not say that they are of one."""
        return self.least_split if self.least_split == self.greatest_split else None

    @property
    def removable(self) -> bool:
        """Whether a commit can take it out of the table."""
        return can_be_removed(self.spelled)


@dataclass(frozen=True, slots=True)
class Logged:
    """The data files of a version.

    Attributes:
        files: ascending by path; no path twice.
        refused: what the log names besides and nothing reads: what does not lie below the table's
            folder, and second spellings of one file.
    """

    files: tuple[LoggedFile, ...]
    refused: tuple[Finding, ...]


def logged_files(delta: DeltaTable) -> Logged:
    """Read what the log says of a version's data files.

    Raises:
        DeltaError, OSError, ValueError: the log cannot be read.
    """
    actions = pa.table(delta.get_add_actions(flatten=True))
    columns = [
        _column(actions, "path", pa.string()),
        _column(actions, "size_bytes", pa.int64()),
        _column(actions, "num_records", pa.int64()),
        _column(actions, "min.split", pa.string()),
        _column(actions, "max.split", pa.string()),
    ]
    return _sorted_out(zip(*(column.to_pylist() for column in columns), strict=True))


def without_what_is_no_file(logged: Logged, links: Links) -> Logged:
    """The same, with links out of the table's folder, pipes and devices refused.

    Args:
        logged: what `logged_files` gave.
        links: of the table's folder.
    """
    files: list[LoggedFile] = []
    refused = list(logged.refused)
    for file in logged.files:
        if links.lead_out(file.path):
            why = "is a link that leads out of the table's folder; it is not read"
        elif links.is_special(file.path):
            why = "is a pipe, a socket or a device; it is not read"
        else:
            files.append(file)
            continue
        refused.append(Finding(file.path, why))
    return Logged(tuple(files), tuple(refused))


def dataset_of(
    delta: DeltaTable, files: Iterable[LoggedFile], storage: pafs.FileSystem, schema: pa.Schema
) -> ds.Dataset:
    """The rows of a version, each file by its own path and pruned by the log's statistics.

    Args:
        delta: the version.
        files: its files, none refused.
        storage: a filesystem whose root is the table's folder.
        schema: the columns that its rows must have.

    Raises:
        DeltaError, OSError, ValueError: the log cannot be read.
    """
    found = delta.to_pyarrow_dataset(filesystem=storage, schema=schema)
    paths = {as_delta_decodes(file.spelled): file.path for file in files}
    if all(spelled == path for spelled, path in paths.items()):
        return found
    fragments = [
        found.format.make_fragment(paths[each.path], storage, each.partition_expression)
        for each in found.get_fragments()
    ]
    return ds.FileSystemDataset(fragments, schema, found.format, storage)


def _column(actions: pa.Table, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    # A column is missing where no file has it.
    if name not in actions.column_names:
        return pa.chunked_array([pa.nulls(actions.num_rows, kind)])
    return actions[name].cast(kind)


def _sorted_out(rows: Iterable[tuple[Any, ...]]) -> Logged:
    files: dict[str, LoggedFile] = {}
    refused: list[Finding] = []
    for spelled, size, count, least, greatest in sorted(rows, key=lambda row: str(row[0])):
        try:
            path = path_in_table(spelled)
        except ValueError as error:
            refused.append(Finding(repr(spelled), f"{error}; it is not read"))
            continue
        if path in files:
            also = f"is in the log twice, as {files[path].spelled!r} and as {spelled!r}"
            refused.append(Finding(path, also))
            continue
        known = count if count is not None and count >= 0 else None
        files[path] = LoggedFile(path, spelled, size, known, least, greatest)
    return Logged(tuple(files[path] for path in sorted(files)), tuple(refused))
