"""Columns that others have added to a feature table: rewritten rows keep what they hold there."""

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pipelines.cli import few
from pipelines.contract import Contract
from pipelines.errors import TableError
from pipelines.stores.delta_readers import said_by_delta
from pipelines.table.schema import FEATURE_SCHEMA, feature_schema

WAY_OUT = "restore a version from before that with Delta's own restore, or extract into a new table"

COMPUTED = ("delta.generation", "delta.identity")
"""What begins a field's property of Delta's that has its values computed."""

NAMED = 5
"""Columns that a message names."""


def check_columns(uri: str, delta: DeltaTable) -> None:
    """Refuse a table whose files, by their columns, cannot be read as a feature table's.

    Args:
        uri: the table's, for messages.
        delta: the version.

    Raises:
        TableError: it is partitioned, or has lost a column of which every row has a value.
        DeltaError, ValueError: its log's columns cannot be read.
    """
    partitions = delta.metadata().partition_columns
    if partitions:
        raise TableError(
            f"{uri} is partitioned by {few(partitions, NAMED)}, whose values are not in its files, "
            f"where these commands look for them; {WAY_OUT}"
        )
    there = {field.name for field in delta.schema().fields}
    lost = [f.name for f in FEATURE_SCHEMA if not f.nullable and f.name not in there]
    if lost:
        raise TableError(f"{uri} has no column {few(lost, NAMED)} any more; {WAY_OUT}")


def added_columns(uri: str, delta: DeltaTable, contract: Contract) -> pa.Schema:
    """The columns that others have added to a table which files of ours can enter.

    Of ours the order and the nullability may be others': rows are cast.

    Args:
        uri: the table's, for messages.
        delta: the version.
        contract: the table's.

    Raises:
        TableError: a column of ours has another type, or one of theirs cannot be null as it is in
            new rows, or cannot be carried.
    """
    try:
        fields = list(pa.schema(delta.schema().to_arrow()))
    except (DeltaError, ValueError, pa.ArrowException, NotImplementedError) as error:
        raise TableError(
            f"the columns of {uri} cannot be carried: {said_by_delta(error)}"
        ) from error
    ours = feature_schema(contract)
    for field in fields:
        if field.name in ours.names and not _alike(field.type, ours.field(field.name).type):
            raise TableError(
                f"the column {field.name} of {uri} is of {field.type} now and was of "
                f"{ours.field(field.name).type}; {WAY_OUT}"
            )
    added = pa.schema([field for field in fields if field.name not in ours.names])
    strict = [field.name for field in added if not field.nullable]
    if strict:
        raise TableError(
            f"{uri} has a column {few(strict, NAMED)} that must not be null, and new rows are null "
            "there; write the table anew with that column nullable"
        )
    made = [
        field.name
        for field in delta.schema().fields
        if field.name in added.names and any(key.startswith(COMPUTED) for key in field.metadata)
    ]
    if made:
        raise TableError(
            f"{uri} has a column {few(made, NAMED)} that a Delta writer computes, which these "
            "commands cannot; write the table anew with its values alone"
        )
    return added


def why_not_in(added: pa.Schema, held: pa.Schema) -> str | None:
    """What of a file's columns besides ours the table has not; None where it has all of them.

    Args:
        added: the table's columns besides ours.
        held: the file's.
    """
    for field in held:
        if field.name not in added.names:
            return f"a column {field.name}, which the table has not"
        wanted = added.field(field.name).type
        if not field.type.equals(wanted):
            return f"a column {field.name} of {field.type}, in the table it is {wanted}"
    return None


def _alike(one: pa.DataType, other: pa.DataType) -> bool:
    if pa.types.is_list(one) and pa.types.is_list(other):
        return _alike(one.value_type, other.value_type)
    return bool(one.equals(other))
