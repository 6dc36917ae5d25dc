"""Reading a data file's rows, a row group at a time, every page checked; their names."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.records import row_name
from pipelines.table.receipts import Receipt, RowDigest
from pipelines.table.schema import schema_with


def row_groups(storage: pafs.FileSystem, path: str) -> Iterator[pa.Table]:
    """Yield a file's row groups, in the columns of `pipelines.table.schema`.

    Raises:
        OSError, pa.ArrowException: the file is damaged; page checksums tell.
    """
    with storage.open_input_file(path) as source:
        parquet = pq.ParquetFile(source, page_checksum_verification=True)
        schema = schema_with(parquet.schema_arrow.names)
        for group in range(parquet.num_row_groups):
            rows = parquet.read_row_group(group, columns=schema.names)
            yield rows.select(schema.names).cast(schema).combine_chunks()


def keeps_its_digest(storage: pafs.FileSystem, path: str, receipt: Receipt) -> bool:
    """Whether a file still holds the rows that its receipt was written for; reads all of it."""
    digest = RowDigest()
    try:
        for rows in row_groups(storage, path):
            digest.add(rows)
    except (OSError, pa.ArrowException):
        return False
    return digest.hexdigest() == receipt.digest


def names_of(keys: pa.Table) -> list[str]:
    """The name of each row, from columns `image_id` and `copy`."""
    ids: list[str] = keys.column("image_id").to_pylist()
    if not pc.max(keys.column("copy")).as_py():
        return ids
    return list(map(row_name, ids, keys.column("copy").to_pylist()))
