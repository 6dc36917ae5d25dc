"""Reading the image of one row of an Arrow file or stream, from a column of bytes.

A file holds a stream, and both are read from their beginning, batch by batch.
"""

import errno
from collections.abc import Iterator

import pyarrow as pa
from pyarrow import ipc

from pipelines.stores.arrow_messages import messages
from pipelines.stores.column_values import values_of
from pipelines.stores.cursors import Cursors, DamagedError
from pipelines.stores.parquet_member import checked
from pipelines.stores.range_file import RangeFile, sign_of

_cursors = Cursors()


def read_arrow_row(file: str, row: int, _: int, column: str, most: int) -> bytes:
    """Read the image of a row; arguments and errors as of `read_parquet_row`."""
    key = (file, sign_of(file), column)
    value = _cursors.value(key, row, lambda: _values(file, column))
    return checked(value, file, row, column, most)


def arrow_batches(source: RangeFile, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    """The batches of an Arrow file or stream, in order.

    Args:
        source: the file, at its beginning.
        columns: top-level columns that are wanted; None for all.

    Raises:
        pa.ArrowException, OSError: it is damaged, or cannot be read.
        ValueError: it has no such column, or a batch of it is too large.
    """
    before: list[ipc.Message] = []
    options = ipc.IpcReadOptions(use_threads=False)
    for message in messages(source):
        if message.type != "record batch":
            before.append(message)
            if message.type == "schema" and columns is not None:
                names = ipc.read_schema(message).names
                options.included_fields = [names.index(name) for name in columns]
            continue
        # A stream of one batch, which is read without looking at what is not wanted.
        stream = pa.BufferOutputStream()
        for each in (*before, message):
            each.serialize_to(stream)
        batch = ipc.open_stream(stream.getvalue(), options=options).read_next_batch()
        batch.validate(
            full=True
        )  # what points out of a batch ends the process when it is looked at
        yield batch


def arrow_schema(source: RangeFile) -> pa.Schema:
    """The schema of an Arrow file or stream; errors as of `arrow_batches`."""
    first = next(messages(source), None)
    if first is None or first.type != "schema":
        raise ValueError("it does not begin with a schema")
    return ipc.read_schema(first)


def _values(file: str, column: str) -> Iterator[bytes | None]:
    source = RangeFile(file)
    name, *inside = column.split(".")
    try:
        for batch in arrow_batches(source, [name]):
            values = batch.column(0)
            for field in inside:
                values = pa.compute.struct_field(values, field)
            # As Arrow makes Python's bytes of all of them, no row holds a batch.
            yield from values_of(values)
    except (pa.ArrowException, OSError, ValueError) as error:
        said = f"{file} cannot be read to its end: {error}"
        raise source.trouble or DamagedError(errno.EIO, said) from error
    raise DamagedError(errno.EIO, f"{file} ends too soon")
