"""The columns of a file as a table has them: other writers order, type and leave out as they do."""

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import TableError


def columns_there(parquet: pq.ParquetFile, columns: pa.Schema) -> list[str]:
    """Which of some columns a file has, in their order.

    Raises:
        TableError: it has one twice, or not one that holds a value in every row.
    """
    names = parquet.schema_arrow.names
    for field in columns:
        count = names.count(field.name)
        if count > 1 or (not count and not field.nullable):
            raise TableError(f"it has {count} columns {field.name}")
    return [name for name in columns.names if name in names]


def cast_to(columns: pa.Schema, rows: pa.Table) -> pa.Table:
    """The same rows in other columns: cast, and null in those that they do not have.

    Raises:
        TableError: a column is of a type that cannot be made the one wanted.
    """
    made = {}
    for field in columns:
        if field.name not in rows.column_names:
            made[field.name] = pa.chunked_array([pa.nulls(rows.num_rows, field.type)])
            continue
        try:
            made[field.name] = rows[field.name].cast(field.type)
        except pa.ArrowException as error:
            kind = rows[field.name].type
            what = f"its column {field.name} is {kind} and cannot be made {field.type}: {error}"
            raise TableError(what) from error
    return pa.table(made, schema=columns)
