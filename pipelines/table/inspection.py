"""Looking at one finished file before it may enter the table."""

from dataclasses import dataclass
from math import prod
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.contract import contract_from_json
from pipelines.errors import CommitRefusedError, TableError
from pipelines.records import as_label
from pipelines.table.files import ROW_GROUP_BYTES
from pipelines.table.receipts import Receipt, read_receipt
from pipelines.table.rows import checked_columns, feature_blocks
from pipelines.table.schema import FEATURE_SCHEMA, GROUP, LABELS, feature_schema, is_optional

KEY_COLUMNS = ["image_id", "copy", "label", "split", "uri", "sha256", "bytes", "modified"]
"""All of a row that planning and checking need: no features."""

NAME_COLUMNS = ["image_id", "copy"]
"""What names a row."""

CHECKING_THREADS = 8
"""Files looked into at once: a store takes its time to answer, and features to be decoded."""

STATISTICS_COLUMNS = ("image_id", "label", "split")


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """A file that keeps what its receipt promises.

    Attributes:
        path: inside the table's folder.
        size: in bytes.
        modified: milliseconds since the epoch, as a Delta add action wants it.
        receipt: its footer's receipt.
        statistics: Delta's statistics of the file.
        keys: the columns `KEY_COLUMNS` and `GROUP` of its rows, `modified` as int64 microseconds.
        added: its columns after those of its contract: that of groups, and those of a table that
            others added them to.
    """

    path: str
    size: int
    modified: int
    receipt: Receipt
    statistics: dict[str, Any]
    keys: pa.Table
    added: pa.Schema


def inspect_file(storage: pafs.FileSystem, path: str) -> InspectedFile:
    """Read a file's receipt, statistics and keys, and hold them against each other.

    Raises:
        TableError: it is not a finished file.
        CommitRefusedError: it is finished, but is not what its receipt says, or has none.
    """
    receipt = read_receipt(storage, path)
    if receipt is None:
        raise CommitRefusedError(f"{path} has no receipt: this project did not write it")
    with storage.open_input_file(path) as source:
        parquet = pq.ParquetFile(source)
        added = _added_to(_columns_promised(receipt, path), parquet.schema_arrow, path)
        keys = _keys(parquet, path, [*KEY_COLUMNS, *(f.name for f in added if is_optional(f))])
        values = _feature_values(parquet.metadata)
    statistics = _statistics(keys)
    if receipt.rows:
        splits = {statistics["minValues"].get("split"), statistics["maxValues"].get("split")}
        if splits != {receipt.split}:
            raise CommitRefusedError(f"{path} holds rows of other splits than {receipt.split!r}")
        if values != receipt.rows * prod(receipt.feature_shape):
            raise CommitRefusedError(f"{path} holds features of another length than its receipt")
    info = storage.get_file_info(path)
    return InspectedFile(
        path=path,
        size=info.size,
        modified=int((info.mtime_ns or 0) // 1_000_000),
        receipt=receipt,
        statistics=statistics,
        keys=keys,
        added=added,
    )


def check_features(storage: pafs.FileSystem, file: InspectedFile) -> None:
    """Read all features of a file, and refuse one whose rows are not all of its receipt's length.

    Their total, which the footer tells, may be right and lie on the wrong rows.

    Raises:
        CommitRefusedError: a row has another length, or the file is damaged.
        OSError: it cannot be read.
    """
    length = prod(file.receipt.feature_shape)
    try:
        with storage.open_input_file(file.path) as source:
            for _ in feature_blocks(pq.ParquetFile(source, buffer_size=ROW_GROUP_BYTES), length):
                pass
    except TableError as error:
        what = f"{file.path} holds features of another length than its receipt"
        raise CommitRefusedError(what) from error
    except (pa.ArrowException, ValueError) as error:
        raise CommitRefusedError(f"{file.path} is damaged: {error}") from error


def _feature_values(metadata: pq.FileMetaData) -> int:
    total = 0
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        columns = map(group.column, range(group.num_columns))
        total += sum(c.num_values for c in columns if c.path_in_schema.startswith("features."))
    return total


def _keys(parquet: pq.ParquetFile, path: str, names: list[str]) -> pa.Table:
    try:
        return as_keys(checked_columns(parquet.read(columns=names)))
    except (pa.ArrowException, ValueError) as error:
        raise CommitRefusedError(f"{path} is damaged: {error}") from error


def _columns_promised(receipt: Receipt, path: str) -> pa.Schema:
    try:
        return feature_schema(contract_from_json(receipt.contract))
    except (ValueError, KeyError) as error:
        raise CommitRefusedError(f"the contract of {path} cannot be read: {error}") from error


def _added_to(promised: pa.Schema, found: pa.Schema, path: str) -> pa.Schema:
    fields = list(found)
    ours, added = pa.schema(fields[: len(promised)]), pa.schema(fields[len(promised) :])
    if not ours.equals(promised) or len({*found.names}) < len(fields):
        raise CommitRefusedError(f"{path} has other columns than the feature table")
    return added


def as_keys(rows: pa.Table) -> pa.Table:
    """The same rows as `ImageRef` has them: `modified` in microseconds, several labels in one.

    A column `GROUP` is added where there is none.
    """
    place = rows.schema.get_field_index("modified")
    keys = rows.set_column(place, "modified", rows.column(place).cast(pa.int64()))
    if LABELS in keys.column_names:
        keys = _with_one_label(keys)
    if GROUP in keys.column_names:
        return keys
    return keys.append_column(GROUP, pa.nulls(keys.num_rows, pa.string()))


def _with_one_label(keys: pa.Table) -> pa.Table:
    lists = keys.column(LABELS)
    keys = keys.drop_columns([LABELS])
    if lists.null_count == len(lists):
        return keys
    both = zip(keys.column("label").to_pylist(), lists.to_pylist(), strict=True)
    labels = [label if several is None else as_label(several) for label, several in both]
    place = keys.schema.get_field_index("label")
    return keys.set_column(place, keys.schema.field(place), pa.array(labels, pa.string()))


def needed_columns(keys: pa.Table) -> frozenset[str]:
    """Which of `OPTIONAL` some rows need; looks at the columns `label` and `GROUP`."""
    names = set[str]()
    if keys.column(GROUP).null_count < keys.num_rows:
        names.add(GROUP)
    if pc.any(pc.starts_with(keys.column("label"), "\0")).as_py():
        names.add(LABELS)
    return frozenset(names)


EMPTY_KEYS = as_keys(FEATURE_SCHEMA.empty_table().select(KEY_COLUMNS)).append_column(
    "path", pa.array([], pa.string())
)
"""The keys of a table that does not exist yet."""


def _statistics(keys: pa.Table) -> dict[str, Any]:
    # Of the rows themselves: what a footer says of them, any program may have written.
    found: dict[str, Any] = {
        "numRecords": keys.num_rows,
        "minValues": {},
        "maxValues": {},
        "nullCount": {},
    }
    if not keys.num_rows:
        return found
    # Several labels are in a column of their own.
    labels = keys["label"]
    plain = pc.if_else(pc.starts_with(labels, "\0"), None, labels)
    keys = keys.set_column(keys.schema.get_field_index("label"), "label", plain)
    for name in STATISTICS_COLUMNS:
        found["nullCount"][name] = keys[name].null_count
        bounds = pc.min_max(keys[name]).as_py()
        if bounds["min"] is not None:
            found["minValues"][name] = bounds["min"]
            found["maxValues"][name] = bounds["max"]
    return found
