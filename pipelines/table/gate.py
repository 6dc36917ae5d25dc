"""The one commit gate: nothing enters the feature table but through `commit_change`.

delta-rs checks almost nothing of an add action: a wrong schema, a missing file or a wrong row count
would be accepted and break every reader, so all of that is checked here first.
"""

import functools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction

from pipelines.contract import (
    Augmentation,
    Contract,
    augmentation_from_json,
    contract_from_json,
    require_same_augmentation,
    require_same_contract,
)
from pipelines.errors import CommitRefusedError, TableError
from pipelines.records import shown_name
from pipelines.stores.delta_readers import said_by_delta
from pipelines.system.threads import map_ahead
from pipelines.table.added_columns import added_columns, why_not_in
from pipelines.table.copy_numbers import highest_copies
from pipelines.table.doubles import double_rows, require_single
from pipelines.table.inspection import CHECKING_THREADS, InspectedFile, check_features
from pipelines.table.log_paths import as_delta_decodes
from pipelines.table.logged import LoggedFile, logged_files
from pipelines.table.schema import (
    AUGMENTATION_KEY,
    CONTRACT_ID_KEY,
    CONTRACT_KEY,
    RUN_KEY,
    SHAPE_KEY,
    optional_schema,
    with_added,
)
from pipelines.table.storage import delta_errors, delta_settings, is_delta, open_delta, open_storage


class TableMovedError(CommitRefusedError):
    """Another run committed after this one planned; plan again on the new version."""


class _FileGoneError(CommitRefusedError):
    """A file that was to enter is not there any more, or no longer as it was."""


@dataclass(frozen=True, slots=True)
class TableState:
    """The table that a commit was planned on.

    Attributes:
        uri: where it is.
        version: its Delta version; None when it did not exist.
        contract: the one contract of all its features.
        feature_shape: shape of one image's features before flattening.
        keys: what `FeatureTable.keys` or `FeatureTable.names` gave.
        augmentation: how its copies are made; None where it may hold none.
        optional: which of `OPTIONAL` are columns of it.
    """

    uri: str
    version: int | None
    contract: Contract
    feature_shape: tuple[int, ...]
    keys: pa.Table
    augmentation: Augmentation | None = None
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction does.

    Attributes:
        added: files that enter; each non-empty and of the table's contract and shape.
        removed: paths of files that leave, their wanted rows being in files that enter.
        run: the run's record, kept in the commit.
        moves_only: True when rows change files and nothing else, so that readers of changes may
            pass over it.
    """

    added: Sequence[InspectedFile]
    removed: Sequence[str]
    run: dict[str, Any]
    moves_only: bool = False


def commit_change(state: TableState, change: Change) -> int:
    """Let finished files in and others out, in one transaction, on exactly the version planned on.

    Args:
        state: the table as it was when the change was planned.
        change: the files.

    Returns:
        The table's new version.

    Raises:
        CommitRefusedError: a file does not belong in this table, has a column that the table has
            not, one of its rows is not of the table's length, or a row would be double.
        ContractMismatchError: a file's features have another contract.
        TableMovedError: another run committed in between.
    """
    for file in change.added:
        _check_belongs(state, file)
    _check_names(state, change)
    _check_there(state, change)
    table = _open_at(state)
    _check_columns(state, table, change)
    planned = 0 if state.version is None else state.version
    actions = _actions(table, change)
    try:
        table.create_write_transaction(
            actions,
            mode="append",
            schema=table.schema(),
            commit_properties=CommitProperties(
                custom_metadata={RUN_KEY: _record(change)}, max_commit_retries=0
            ),
        )
    except (DeltaError, OSError, ValueError) as error:
        with delta_errors(state.uri, "look at"):
            version = open_delta(state.uri).version()
        if version > planned:
            raise TableMovedError(f"another run committed to {state.uri}") from error
        raise CommitRefusedError(f"cannot commit to {state.uri}: {said_by_delta(error)}") from error
    return planned + 1


def _check_belongs(state: TableState, file: InspectedFile) -> None:
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


def _check_columns(state: TableState, table: DeltaTable, change: Change) -> None:
    added = added_columns(state.uri, table, state.contract)
    for file in change.added:
        if why := why_not_in(added, file.added):
            raise CommitRefusedError(f"{file.path} has {why}")


def holds_copies(keys: pa.Table) -> bool:
    """Whether any of some rows is an augmented copy; of `keys`, the column `copy` is looked at."""
    return bool(pc.max(keys.column("copy")).as_py())


def _check_there(state: TableState, change: Change) -> None:
    try:
        _check_files(open_storage(state.uri), change.added)
    except (_FileGoneError, OSError) as error:
        # Then that run may have deleted what it found to be superfluous.
        if _has_moved(state):
            raise TableMovedError(f"another run committed to {state.uri}") from error
        raise


def _check_files(storage: pafs.FileSystem, files: Sequence[InspectedFile]) -> None:
    infos = storage.get_file_info([file.path for file in files])
    for file, info in zip(files, infos, strict=True):
        if not info.is_file or info.size != file.size:
            raise _FileGoneError(f"{file.path} changed or went since it was looked at")
    check = functools.partial(check_features, storage)
    for _ in map_ahead(check, files, CHECKING_THREADS, 2 * CHECKING_THREADS, "check"):
        pass


def _has_moved(state: TableState) -> bool:
    with delta_errors(state.uri, "look at"):
        if state.version is None:
            return is_delta(state.uri)
        return bool(open_delta(state.uri).version() > state.version)


def _check_names(state: TableState, change: Change) -> None:
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


def _open_at(state: TableState) -> DeltaTable:
    if state.version is not None:
        with delta_errors(state.uri, "open"):
            table = open_delta(state.uri, state.version)
        held = contract_from_json(table.metadata().configuration[CONTRACT_KEY])
        require_same_contract(held, "the table", state.contract, "the run")
        return table
    policy = {}
    if state.augmentation is not None:
        policy = {AUGMENTATION_KEY: state.augmentation.canonical_json()}
    try:
        table = DeltaTable.create(
            state.uri,
            with_added(state.contract, optional_schema(state.optional)),
            configuration={
                # Old versions stay readable until `pipelines.tidy` says otherwise.
                "delta.enableExpiredLogCleanup": "false",
                "delta.logRetentionDuration": "interval 36500 days",
                CONTRACT_KEY: state.contract.canonical_json(),
                CONTRACT_ID_KEY: state.contract.contract_id,
                SHAPE_KEY: json.dumps(list(state.feature_shape)),
                **policy,
            },
            raise_if_key_not_exists=False,
            storage_options=delta_settings(state.uri),
            # Tried again, a second creation would follow the first as a commit of its own.
            commit_properties=CommitProperties(max_commit_retries=0),
        )
    except (DeltaError, OSError) as error:
        with delta_errors(state.uri, "look at"):
            exists = is_delta(state.uri)
        if exists:
            raise TableMovedError(f"another run created {state.uri}") from error
        raise CommitRefusedError(f"cannot create {state.uri}: {said_by_delta(error)}") from error
    if table.version():
        raise TableMovedError(f"another run created {state.uri}")
    return table


def _actions(table: DeltaTable, change: Change) -> list[AddAction | RemoveAction]:
    now = time.time_ns() // 1_000_000
    data_change = not change.moves_only
    removals = [
        # Must be spelled as the log spells it, or the file would stay in the table.
        RemoveAction(as_delta_decodes(file.spelled), data_change, now, file.size, {})
        for file in _leaving(table, change)
    ]
    return [*(_add_action(file, data_change) for file in change.added), *removals]


def _leaving(table: DeltaTable, change: Change) -> list[LoggedFile]:
    if not change.removed:
        return []
    held = {file.path: file for file in logged_files(table).files}
    strangers = set(change.removed) - held.keys()
    if strangers:
        raise CommitRefusedError(f"{min(strangers)} is not in the table, it cannot leave it")
    for path in change.removed:
        if not held[path].removable:
            raise CommitRefusedError(
                f"{path} cannot leave the table: the log spells it {held[path].spelled!r}, which "
                "is not how Delta encodes a path; write the table's rows into a new one"
            )
    return [held[path] for path in change.removed]


def _record(change: Change) -> dict[str, Any]:
    digests = {file.path: file.receipt.digest for file in change.added}
    return {**change.run, "digests": digests}


def _add_action(file: InspectedFile, data_change: bool) -> AddAction:
    return AddAction(
        path=file.path,
        size=file.size,
        partition_values={},
        modification_time=file.modified,
        data_change=data_change,
        stats=json.dumps(file.statistics),
    )
