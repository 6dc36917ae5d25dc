"""What must hold of files before they enter a table: they belong there, and are there whole."""

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
from deltalake import DeltaTable

from pipelines.contract import (
    augmentation_from_json,
    contract_from_json,
    require_same_augmentation,
    require_same_contract,
)
from pipelines.errors import CommitRefusedError, TableError
from pipelines.records import shown_name
from pipelines.system.threads import map_ahead
from pipelines.table.added_columns import added_columns, why_not_in
from pipelines.table.change import Change, TableMovedError, TableState
from pipelines.table.copy_numbers import highest_copies
from pipelines.table.doubles import double_rows, require_single
from pipelines.table.inspection import CHECKING_THREADS, InspectedFile, check_features
from pipelines.table.storage import delta_errors, is_delta, open_delta, open_storage


class _FileGoneError(CommitRefusedError):
    """A file that was to enter is not there any more, or no longer as it was."""


def check_belongs(state: TableState, file: InspectedFile) -> None:
    """Refuse a file whose receipt says that it is of another table.

    Raises:
        CommitRefusedError: its features have another shape, it has no rows, or copies of nobody's.
        ContractMismatchError: its features, or its copies, were made in another way.
    """
    receipt = file.receipt
    found = contract_from_json(receipt.contract)
    require_same_contract(state.contract, "the table", found, file.path)
    if receipt.feature_shape != state.feature_shape:
        raise CommitRefusedError(
            f"{file.path} holds features of shape {receipt.feature_shape}, "
            f"the table {state.feature_shape}"
        )
    if not receipt.rows:
        raise CommitRefusedError(f"{file.path} holds no rows")
    if holds_copies(file.keys):
        if receipt.augmentation is None or state.augmentation is None:
            raise CommitRefusedError(f"{file.path} holds copies, and no policy says how made")
        require_same_augmentation(state.augmentation, augmentation_from_json(receipt.augmentation))


def check_columns(state: TableState, table: DeltaTable, change: Change) -> None:
    """Refuse files with a column that the table has not, or has otherwise.

    Raises:
        CommitRefusedError: there is such a file.
    """
    added = added_columns(state.uri, table, state.contract)
    for file in change.added:
        if why := why_not_in(added, file.added):
            raise CommitRefusedError(f"{file.path} has {why}")


def holds_copies(keys: pa.Table) -> bool:
    """Whether any of some rows is an augmented copy; of `keys`, the column `copy` is looked at."""
    return bool(pc.max(keys.column("copy")).as_py())


def check_there(state: TableState, change: Change) -> None:
    """Refuse files that have gone or changed, or whose rows are not of the table's length.

    Raises:
        TableMovedError: one has gone, and another run committed meanwhile.
        CommitRefusedError: one has gone, is damaged, or has a row of another length.
        OSError: one cannot be read.
    """
    with reading_others_files(state.uri, state.version):
        _check_files(open_storage(state.uri), change.added)


@contextmanager
def reading_others_files(uri: str, version: int | None) -> Iterator[None]:
    """Around reading finished files of other runs, which those delete when they are superfluous.

    They are so after a commit, and then one has to look again.

    Args:
        uri: the table.
        version: that was looked at; None where there was no table.

    Raises:
        TableMovedError: a file could not be read, and another run committed meanwhile.
    """
    try:
        yield
    except (_FileGoneError, TableError, OSError) as error:
        if _has_moved(uri, version):
            raise TableMovedError(f"another run committed to {uri}") from error
        raise


def _check_files(storage: pafs.FileSystem, files: Sequence[InspectedFile]) -> None:
    infos = storage.get_file_info([file.path for file in files])
    for file, info in zip(files, infos, strict=True):
        if not info.is_file or info.size != file.size:
            raise _FileGoneError(f"{file.path} changed or went since it was looked at")
    check = functools.partial(check_features, storage)
    for _ in map_ahead(check, files, CHECKING_THREADS, 2 * CHECKING_THREADS, "check"):
        pass


def _has_moved(uri: str, version: int | None) -> bool:
    with delta_errors(uri, "look at"):
        if version is None:
            return is_delta(uri)
        return bool(open_delta(uri).version() > version)


def check_names(state: TableState, change: Change) -> None:
    """Refuse a change by which a row would be there twice.

    Raises:
        CommitRefusedError: there is such a row, or copies with numbers that none can have.
    """
    stays = pc.invert(pc.is_in(state.keys.column("path"), pa.array(change.removed, pa.string())))
    columns = ["image_id", "copy"]
    held = state.keys.filter(stays).select(columns)
    keys = pa.concat_tables([held, *(file.keys.select(columns) for file in change.added)])
    try:
        if double := double_rows(keys):
            require_single(state.uri, held)
            name = shown_name(double[0][0])
            raise CommitRefusedError(f"{len(double)} rows would be double, among them {name!r}")
        highest_copies(keys)
    except TableError as error:
        raise CommitRefusedError(str(error)) from error
