"""Looking at one finished file before it may enter the table."""

from dataclasses import dataclass
from math import prod
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.contract import contract_from_json
from pipelines.errors import CommitRefusedError
from pipelines.table.receipts import Receipt, read_receipt
from pipelines.table.schema import FEATURE_SCHEMA, feature_schema

KEY_COLUMNS = ["image_id", "copy", "label", "split", "uri", "sha256", "bytes", "modified"]
"""All of a row that planning and checking need: no features."""

NAME_COLUMNS = ["image_id", "copy"]
"""What names a row."""

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
        keys: the columns `KEY_COLUMNS` of its rows, `modified` as int64 microseconds.
    """

    path: str
    size: int
    modified: int
    receipt: Receipt
    statistics: dict[str, Any]
    keys: pa.Table


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
        metadata = parquet.metadata
        if not parquet.schema_arrow.equals(_columns_promised(receipt, path)):
            raise CommitRefusedError(f"{path} has other columns than the feature table")
        keys = with_plain_times(parquet.read(columns=KEY_COLUMNS))
    statistics = _statistics(metadata)
    if receipt.rows:
        splits = {statistics["minValues"].get("split"), statistics["maxValues"].get("split")}
        if splits != {receipt.split}:
            raise CommitRefusedError(f"{path} holds rows of other splits than {receipt.split!r}")
        values = receipt.rows * prod(receipt.feature_shape)
        if _values_of(metadata, "features.list.element") != values:
            raise CommitRefusedError(f"{path} holds features of another length than its receipt")
    info = storage.get_file_info(path)
    return InspectedFile(
        path=path,
        size=info.size,
        modified=int((info.mtime_ns or 0) // 1_000_000),
        receipt=receipt,
        statistics=statistics,
        keys=keys,
    )


def _columns_promised(receipt: Receipt, path: str) -> pa.Schema:
    try:
        return feature_schema(contract_from_json(receipt.contract))
    except (ValueError, KeyError) as error:
        raise CommitRefusedError(f"the contract of {path} cannot be read: {error}") from error


def with_plain_times(keys: pa.Table) -> pa.Table:
    """The same rows with `modified` as int64 microseconds since the epoch, as `ImageRef` has it."""
    place = keys.schema.get_field_index("modified")
    return keys.set_column(place, "modified", keys.column(place).cast(pa.int64()))


EMPTY_KEYS = with_plain_times(FEATURE_SCHEMA.empty_table().select(KEY_COLUMNS)).append_column(
    "path", pa.array([], pa.string())
)
"""The keys of a table that does not exist yet."""


def _columns(metadata: pq.FileMetaData) -> dict[str, int]:
    group = metadata.row_group(0)
    return {group.column(i).path_in_schema: i for i in range(group.num_columns)}


def _values_of(metadata: pq.FileMetaData, name: str) -> int:
    place = _columns(metadata)[name]
    groups = range(metadata.num_row_groups)
    return sum(metadata.row_group(g).column(place).num_values for g in groups)


def _statistics(metadata: pq.FileMetaData) -> dict[str, Any]:
    found: dict[str, Any] = {
        "numRecords": metadata.num_rows,
        "minValues": {},
        "maxValues": {},
        "nullCount": {},
    }
    if metadata.num_row_groups == 0:
        return found
    places = _columns(metadata)
    for name in STATISTICS_COLUMNS:
        of_groups = [
            metadata.row_group(g).column(places[name]).statistics
            for g in range(metadata.num_row_groups)
        ]
        if any(each is None for each in of_groups):
            continue
        found["nullCount"][name] = sum(each.null_count for each in of_groups)
        bounded = [each for each in of_groups if each.has_min_max]
        if bounded and all(e.has_min_max or e.null_count == e.num_values for e in of_groups):
            found["minValues"][name] = min(each.min for each in bounded)
            found["maxValues"][name] = max(each.max for each in bounded)
    return found
