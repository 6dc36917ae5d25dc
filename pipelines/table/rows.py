"""Reading a data file's rows, a few at a time, every page and every row checked; their names.

A file of another writer may hold gigabytes in a row group, and in a few hundred kilobytes of disk.
"""

import contextlib
from collections.abc import Collection, Iterator
from math import prod

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.contract import Contract, contract_from_json
from pipelines.errors import TableError
from pipelines.records import row_name
from pipelines.stores.outages import is_outage
from pipelines.table.casting import cast_to, columns_there
from pipelines.table.files import ROW_GROUP_BYTES
from pipelines.table.receipts import DIGESTED, DIGESTED_IF_THERE, Receipt, RowDigest
from pipelines.table.schema import FEATURE_SCHEMA, FEATURE_TYPE, feature_schema

NEVER_NULL = frozenset(field.name for field in FEATURE_SCHEMA if not field.nullable)
"""Columns of which every row has a value."""


def rows_of_a_block(length: int) -> int:
    """Rows of so many features that are read at once."""
    return max(1, ROW_GROUP_BYTES // (4 * length))


def row_blocks(
    storage: pafs.FileSystem, path: str, columns: pa.Schema, length: int
) -> Iterator[pa.Table]:
    """Yield a file's rows in blocks, cast to the table's columns, whatever other writers made them.

    Args:
        storage: filesystem of the table's folder.
        path: the file.
        columns: the table's; where the file has not got one, its rows have null there.
        length: features that each row must have.

    Raises:
        TableError: a row has another number of features or no value where each has one, or a
            column is of a type that cannot be made the table's, or a page is damaged.
        OSError: it cannot be read.
    """
    with _troubles(path), storage.open_input_file(path) as source:
        parquet = _open(source)
        names = columns_there(parquet, columns)
        many = _rows_at_once(parquet, length)
        for batch in parquet.iter_batches(many, columns=names, use_threads=False):
            rows = cast_to(columns, pa.Table.from_batches([batch]))
            check_lengths(rows["features"], length)
            yield checked_columns(rows).combine_chunks()


def digest_of(
    storage: pafs.FileSystem, path: str, contract: Contract, length: int
) -> tuple[str, int]:
    """The digest of a file's rows, and how many there are; reads all of it, as `row_blocks` does.

    Args:
        storage: filesystem of the table's folder.
        path: the file.
        contract: of the rows; what others have added to its columns is read, and not digested.
        length: features that each row must have.

    Raises:
        TableError, OSError: see `row_blocks`.
    """
    digest, count = RowDigest(), 0
    with _troubles(path), storage.open_input_file(path) as source:
        parquet = _open(source)
        columns = feature_schema(contract)
        names = [name for name in (*DIGESTED, *DIGESTED_IF_THERE) if name in columns.names]
        others = [name for name in columns_there(parquet, columns) if name != "features"]
        without = columns.remove(columns.get_field_index("features"))
        added = [name for name in parquet.schema_arrow.names if name not in columns.names]
        for group in range(parquet.num_row_groups):
            rows = parquet.read_row_group(group, columns=others, use_threads=False)
            digest.add_names(checked_columns(cast_to(without, rows).select(names)))
            _read_through(parquet, group, added, _rows_at_once(parquet, length))
            for features in feature_blocks(parquet, length, group):
                digest.add_features(features)
            count += rows.num_rows
    return digest.hexdigest(), count


def feature_blocks(
    parquet: pq.ParquetFile, length: int, group: int | None = None
) -> Iterator[pa.ChunkedArray]:
    """Yield the features of a file, or of one of its row groups, a few rows at a time.

    Raises:
        TableError: a row has another number of features.
        pa.ArrowException: the file is damaged.
    """
    groups = None if group is None else [group]
    for batch in parquet.iter_batches(
        rows_of_a_block(length), row_groups=groups, columns=["features"], use_threads=False
    ):
        features = pa.Table.from_batches([batch])["features"].cast(FEATURE_TYPE)
        check_lengths(features, length)
        yield features


def check_lengths(features: pa.ChunkedArray, length: int) -> None:
    """Refuse rows that do not have so many features each, whatever they have together.

    Raises:
        TableError: a row has another number, or a feature is null.
    """
    # Of a column of lists, nulls among them have no length.
    bounds = pc.min_max(pc.fill_null(pc.list_value_length(features), -1)).as_py()
    if len(features) and bounds != {"min": length, "max": length}:
        raise TableError(f"a row does not hold {length} features")
    if any(chunk.flatten().null_count for chunk in features.chunks):
        raise TableError("a row holds a feature without a value")


def checked_columns(rows: pa.Table, never_null: Collection[str] = NEVER_NULL) -> pa.Table:
    """The same rows, if their texts are UTF-8 and no value is missing that every row has.

    Raises:
        pa.ArrowInvalid: a text is not, which Parquet does not prevent, or a row has none.
    """
    for name in rows.column_names:
        if name == "features":
            continue  # `check_lengths` looks at them
        rows[name].validate(full=True)
        if name in never_null and rows[name].null_count:
            raise pa.ArrowInvalid(f"a row has no {name}")
    return rows


def keeps_its_digest(storage: pafs.FileSystem, path: str, receipt: Receipt) -> bool:
    """Whether a file still holds the rows that its receipt was written for; reads all of it."""
    try:
        contract = contract_from_json(receipt.contract)
        digest, _ = digest_of(storage, path, contract, prod(receipt.feature_shape))
    except (OSError, TableError):
        return False
    return digest == receipt.digest


def _open(source: pa.NativeFile) -> pq.ParquetFile:
    # The buffer bounds what is held of a row group that another program made very large.
    return pq.ParquetFile(source, buffer_size=ROW_GROUP_BYTES, page_checksum_verification=True)


def _rows_at_once(parquet: pq.ParquetFile, length: int) -> int:
    """Rows to read at once, fewer where what others have added is larger than the features."""
    size, footer = 1, parquet.metadata
    if {*parquet.schema_arrow.names} - {*FEATURE_SCHEMA.names}:
        # What all columns take: asking a damaged footer for one of them can end the process.
        for group in map(footer.row_group, range(footer.num_row_groups)):
            added = group.total_byte_size - 4 * length * group.num_rows
            size = max(size, added // max(1, group.num_rows))
    return min(rows_of_a_block(length), max(1, ROW_GROUP_BYTES // size))


def _read_through(parquet: pq.ParquetFile, group: int, names: list[str], many: int) -> None:
    if names:
        # For the checksums of their pages.
        for _ in parquet.iter_batches(many, row_groups=[group], columns=names, use_threads=False):
            pass


@contextlib.contextmanager
def _troubles(path: str) -> Iterator[None]:
    """Around reading a file that any program may have written."""
    try:
        yield
    except (TableError, pa.ArrowException, ValueError, KeyError, OSError) as error:
        # Of a damaged page Arrow says so in an error without a number, and names no file.
        if isinstance(error, OSError) and (error.errno is not None or is_outage(error)):
            raise
        raise TableError(
            f"{path} is damaged: {error}; put a copy of it back, or extract into another table"
        ) from error


def names_of(keys: pa.Table) -> list[str]:
    """The name of each row, from columns `image_id` and `copy`."""
    ids: list[str] = keys.column("image_id").to_pylist()
    if not pc.max(keys.column("copy")).as_py():
        return ids
    return list(map(row_name, ids, keys.column("copy").to_pylist()))
