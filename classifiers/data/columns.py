"""Further columns of the rows of a split, for those who need more than keys and features."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from classifiers.data.row_groups import RowGroup, SplitRows
from pipelines.errors import TableError
from pipelines.table.schema import FEATURE_SCHEMA, OPTIONAL

NAMES = ["image_id", "copy"]

_FIELDS = {field.name: field for field in (*FEATURE_SCHEMA, *OPTIONAL)}


def read_columns(rows: SplitRows, names: Sequence[str]) -> pa.Table:
    """Read columns of all rows, in the order of the keys.

    Args:
        rows: the rows.
        names: columns of `FEATURE_SCHEMA` that are no features, or of `OPTIONAL`; of these a file
            from before the table had them has nulls.

    Raises:
        TableError: a file is missing, damaged, or not what it was when the rows were found.
    """
    schema = pa.schema([_FIELDS[name] for name in names])
    found = pa.concat_tables([_of_group(rows, group, schema) for group in rows.groups])
    order = np.argsort(np.concatenate([group.places for group in rows.groups]))
    return found.take(pa.array(order)).combine_chunks()


def _of_group(rows: SplitRows, group: RowGroup, schema: pa.Schema) -> pa.Table:
    table = rows.table
    with table.reading(group.path), table.storage.open_input_file(group.path) as source:
        file = pq.ParquetFile(source, metadata=group.footer)
        found = file.read_row_group(
            group.number, columns=[*NAMES, *schema.names], use_threads=False
        )
        if not found.select(NAMES).cast(group.keys.schema).equals(group.keys):
            raise TableError(f"the files of {table.uri} changed while they were read; try again")
        columns = [
            found[field.name].cast(field.type)
            if field.name in found.column_names
            else pa.nulls(found.num_rows, field.type)
            for field in schema
        ]
        return pa.table(columns, schema=schema).take(pa.array(group.wanted))
