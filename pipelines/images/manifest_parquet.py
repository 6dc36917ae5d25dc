"""Reading the columns of a Parquet manifest within a bound of memory, however it is packed."""

import sys

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from pipelines.images.column_sizes import column_sizes
from pipelines.images.manifest_columns import Names

ROW_BYTES = 100
"""What a row takes of the memory at least: a run holds every image."""

BATCH = 4096
"""Rows that are taken at once where each value is as long as it is."""

CODED_BATCH = 262_144
"""Rows that are taken at once where each value is a code: their dictionary is read with each, and
holds the values of all batches of a row group before it."""


def read_parquet(content: bytes, most: int, names: Names) -> pa.Table:
    """Read the columns of a Parquet file that are ours.

    Args:
        content: the file.
        most: bytes that they may take, unpacked.
        names: of its columns.

    Raises:
        InputError: the columns that are meant are not there.
        ValueError: they take more than `most`, or the file is damaged.
        pa.ArrowException: the file is damaged.
    """
    # Strings are read as a few and how often: a small file may hold one long one a billion times.
    source = pa.BufferReader(content)
    metadata = parquet.read_metadata(source)
    found = names.settle(metadata.schema.to_arrow_schema().names)
    called = [*dict.fromkeys(found.values())]
    leaves = {metadata.schema.column(number).path for number in range(metadata.num_columns)}
    meant = {*called}
    plain = [path for path in leaves if path.partition(".")[0] in meant]
    file = parquet.ParquetFile(source, metadata=metadata, read_dictionary=plain)
    schema = pa.schema([file.schema_arrow.field(name) for name in called])
    taken = max(metadata.num_rows * ROW_BYTES, _unpacked(metadata))
    if taken > most and metadata.num_rows * ROW_BYTES <= most:
        # Perhaps only for the sake of columns that are not read.
        taken = sum(size for name, size in column_sizes(content) if name in called)
    # Of these the dictionary grows with each batch, and holds all the batches before it.
    each_row_its_own = [found[name] for name in ("path", "id") if name in found]
    batches = []
    for batch in file.iter_batches(CODED_BATCH, columns=called) if taken <= most else ():
        taken += sum(map(_expanded, batch.columns))
        if taken > most:
            break
        batches.append(_plain(batch, each_row_its_own))
    if taken > most:
        raise ValueError(f"unpacked it takes more than the {most:,} bytes allowed")
    table = pa.Table.from_batches(batches, batches[0].schema if batches else schema)
    return pa.table({ours: table.column(name) for ours, name in found.items()})


def _plain(batch: pa.RecordBatch, names: list[str]) -> pa.RecordBatch:
    for name in names:
        place = batch.schema.get_field_index(name)
        if pa.types.is_dictionary(batch.schema.types[place]):
            batch = batch.set_column(place, name, batch.column(place).dictionary_decode())
    return batch


def _unpacked(metadata: parquet.FileMetaData) -> int:
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    sizes = [int(group.total_byte_size) for group in groups]
    return sum(sizes) if min(sizes, default=0) >= 0 else sys.maxsize


def _expanded(column: pa.Array) -> int:
    if pa.types.is_list(column.type):
        return 8 * len(column) + _expanded(column.flatten())
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
    return int(pc.sum(lengths).as_py() or 0)
