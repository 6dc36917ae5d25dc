"""The one commit gate: nothing enters the feature table but through `commit_files`.

delta-rs checks almost nothing of an add action: a wrong schema, a missing file or a wrong row count
would be accepted and break every reader, so all of that is checked here first.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction

from pipelines.contract import Contract, contract_from_json, require_same_contract
from pipelines.errors import CommitRefusedError
from pipelines.table.inspection import InspectedFile
from pipelines.table.schema import (
    CONTRACT_ID_KEY,
    CONTRACT_KEY,
    FEATURE_SCHEMA,
    RUN_KEY,
    SHAPE_KEY,
)


class TableMovedError(CommitRefusedError):
    """Another run committed after this one planned; plan again on the new version."""


@dataclass(frozen=True, slots=True)
class TableState:
    """The table that a commit was planned on.

    Attributes:
        uri: where it is.
        version: its Delta version; None when it did not exist.
        contract: the one contract of all its features.
        feature_shape: shape of one image's features before flattening.
        keys: (image_id, copy) of all rows it holds, a table of these two columns.
    """

    uri: str
    version: int | None
    contract: Contract
    feature_shape: tuple[int, ...]
    keys: pa.Table


def commit_files(state: TableState, files: Sequence[InspectedFile], run: dict[str, Any]) -> int:
    """Add finished files to the table in one transaction, on exactly the version planned on.

    Args:
        state: the table as it was when the files were planned.
        files: what `inspect_file` found; each non-empty and of the table's contract and shape.
        run: the run's record, kept in the commit.

    Returns:
        The table's new version.

    Raises:
        CommitRefusedError: a file does not belong in this table, or a row would be double.
        ContractMismatchError: a file's features have another contract.
        TableMovedError: another run committed in between.
    """
    for file in files:
        _check_belongs(state, file)
    _check_no_double(state, files)
    table = _open_at(state)
    planned = 0 if state.version is None else state.version
    actions = [_add_action(file) for file in files]
    try:
        table.create_write_transaction(
            actions,
            mode="append",
            schema=Schema.from_arrow(FEATURE_SCHEMA),
            commit_properties=CommitProperties(
                custom_metadata={RUN_KEY: run}, max_commit_retries=0
            ),
        )
    except (DeltaError, OSError) as error:
        if DeltaTable(state.uri).version() > planned:
            raise TableMovedError(f"another run committed to {state.uri}") from error
        raise CommitRefusedError(f"cannot commit to {state.uri}: {error}") from error
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


def _check_no_double(state: TableState, files: Sequence[InspectedFile]) -> None:
    columns = ["image_id", "copy"]
    parts = [state.keys.select(columns), *(file.keys.select(columns) for file in files)]
    keys = pa.concat_tables(parts)
    counts = keys.group_by(columns).aggregate([([], "count_all")])
    double = counts.filter(pc.greater(counts["count_all"], 1))
    if double.num_rows:
        name = double["image_id"][0].as_py()
        raise CommitRefusedError(f"{double.num_rows} rows would be double, among them {name!r}")


def _open_at(state: TableState) -> DeltaTable:
    if state.version is not None:
        return DeltaTable(state.uri, version=state.version)
    try:
        return DeltaTable.create(
            state.uri,
            FEATURE_SCHEMA,
            configuration={
                CONTRACT_KEY: state.contract.canonical_json(),
                CONTRACT_ID_KEY: state.contract.contract_id,
                SHAPE_KEY: json.dumps(list(state.feature_shape)),
            },
            raise_if_key_not_exists=False,
        )
    except DeltaError as error:
        if DeltaTable.is_deltatable(state.uri):
            raise TableMovedError(f"another run created {state.uri}") from error
        raise CommitRefusedError(f"cannot create {state.uri}: {error}") from error


def _add_action(file: InspectedFile) -> AddAction:
    return AddAction(
        path=file.path,
        size=file.size,
        partition_values={},
        modification_time=file.modified,
        data_change=True,
        stats=json.dumps(file.statistics),
    )
