"""Reading the image of one row of a Parquet file, from a column of bytes."""

import bisect
import errno
import functools
import itertools
from collections.abc import Hashable, Iterator

import pyarrow as pa
from pyarrow import parquet

from pipelines.stores.column_values import values_of
from pipelines.stores.cursors import Cursors, DamagedError
from pipelines.stores.files import refuse_too_large
from pipelines.stores.range_file import RangeFile, sign_of

BUFFER = 1 << 20
"""Bytes of a column that are read at once, at least; a page is read whole."""

ROWS_AT_ONCE, BYTES_AT_ONCE = 16, 128 << 20
"""What is unpacked at once, at most; a row is, whatever it has."""

_cursors = Cursors()


def read_parquet_row(file: str, row: int, _: int, column: str, most: int) -> bytes:
    """Read the image of a row.

    Args:
        file: path or URI.
        row: in the file, counted from 0.
        _: how many rows: one.
        column: what the bytes' column is called in the file, `image.bytes` of a struct.
        most: bytes that it may have.

    Raises:
        TooLargeError: it has more.
        OSError: the file is not there, is damaged, or has no image in that row.
    """
    sign = sign_of(file)
    metadata, starts = _footer(file, sign)
    group = bisect.bisect_right(starts, row) - 1
    if not 0 <= group < metadata.num_row_groups:
        raise OSError(errno.EIO, f"{file} was changed since it was listed; it has no row {row}")
    value = _cursors.value(
        (file, sign, group, column),
        row - starts[group],
        lambda: _values(file, metadata, group, column),
        metadata.row_group(group).num_rows,
    )
    return checked(value, file, row, column, most)


def checked(value: bytes | None, file: str, row: int, column: str, most: int) -> bytes:
    """A row's bytes, if it has any and not too many.

    Raises:
        TooLargeError: they are more than `most`.
        OSError: there are none.
    """
    if value is None:
        raise OSError(
            errno.EIO,
            f"row {row} of {file} holds no image in column {column!r}; whoever wrote it kept "
            "nothing, or a path alone",
        )
    refuse_too_large(len(value), most)
    return value


@functools.lru_cache(8)
def _footer(file: str, _: Hashable) -> tuple[parquet.FileMetaData, list[int]]:
    source = RangeFile(file)
    try:
        metadata = parquet.read_metadata(pa.PythonFile(source, "r"))
    except (pa.ArrowException, OSError) as error:
        raise source.trouble or OSError(errno.EIO, f"{file} cannot be read: {error}") from error
    rows = (metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
    return metadata, [0, *itertools.accumulate(rows)]


def _rows_at_once(group: parquet.RowGroupMetaData) -> int:
    # A small page may hold one large value many times, as large as the group at most. The size of
    # the column alone would be nearer, but asking for that of a damaged file ends the process.
    return max(1, min(ROWS_AT_ONCE, BYTES_AT_ONCE // max(1, int(group.total_byte_size))))


def _values(
    file: str, metadata: parquet.FileMetaData, group: int, column: str
) -> Iterator[bytes | None]:
    source = RangeFile(file)
    try:
        opened = parquet.ParquetFile(
            pa.PythonFile(source, "r"),
            metadata=metadata,
            buffer_size=BUFFER,
            pre_buffer=False,
            page_checksum_verification=True,
        )
        rows = _rows_at_once(metadata.row_group(group))
        for batch in opened.iter_batches(
            rows, row_groups=[group], columns=[column], use_threads=False
        ):
            yield from values_of(batch.column(0))
    except (pa.ArrowException, OSError, IndexError) as error:
        said = f"row group {group} of {file} cannot be read: {error}"
        raise source.trouble or DamagedError(errno.EIO, said) from error
    raise DamagedError(errno.EIO, f"row group {group} of {file} ends too soon")
