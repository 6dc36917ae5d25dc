"""The one commit gate: nothing enters the feature table but through `commit_change`.

delta-rs checks almost nothing of an add action: a wrong schema, a missing file or a wrong row count
would be accepted and break every reader, so all of that is checked here first.
"""

import json
import time
from typing import Any

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction

from pipelines.contract import contract_from_json, require_same_contract
from pipelines.errors import CommitRefusedError
from pipelines.stores.delta_readers import said_by_delta
from pipelines.table.admission import check_belongs, check_columns, check_names, check_there
from pipelines.table.change import Change, TableMovedError, TableState
from pipelines.table.inspection import InspectedFile
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
from pipelines.table.storage import delta_errors, delta_settings, is_delta, open_delta


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
        check_belongs(state, file)
    check_names(state, change)
    check_there(state, change)
    table = _open_at(state)
    check_columns(state, table, change)
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
