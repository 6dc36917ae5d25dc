"""The messages of an Arrow file or stream, none of which unpacks to more than a bound.

Buffers may be packed, and say how long they are when they are not: a few kilobytes may stand for
any number of bytes. Arrow takes the memory for them without asking, so it is looked at here.
"""

import struct
from collections.abc import Iterator

import pyarrow as pa
from pyarrow import ipc

from pipelines.stores.range_file import MOST_AT_ONCE, RangeFile

MAGIC = b"ARROW1"
"""What an Arrow file begins with; a stream comes after it and its padding."""

_STREAM_BEGINS = 8
_HEADER, _BUFFERS, _COMPRESSION, _DATA = 2, 2, 3, 1
"""Numbers of fields: of a message, of a record batch, and of a dictionary."""


def messages(source: RangeFile) -> Iterator[ipc.Message]:
    """The messages of an Arrow file or stream, in order, the schema first.

    Raises:
        pa.ArrowException, OSError: it is damaged, or cannot be read.
        ValueError: it is none, or a message would unpack to more than `MOST_AT_ONCE` bytes.
    """
    is_file = source.read(len(MAGIC)) == MAGIC
    source.seek(_STREAM_BEGINS if is_file else 0)
    reader = ipc.MessageReader.open_stream(pa.PythonFile(source, "r"))
    while True:
        try:
            message = reader.read_next_message()
        except StopIteration:
            return
        try:
            size = _unpacked(message)
        except (struct.error, IndexError) as error:
            raise ValueError("a message of it is damaged") from error
        if size > MOST_AT_ONCE:
            raise ValueError(
                f"a batch of it would take {size:,} bytes; write it in smaller batches"
            )
        yield message


def _unpacked(message: ipc.Message) -> int:
    """Bytes that a message's buffers take."""
    body = message.body
    if body is None or message.type not in ("record batch", "dictionary"):
        return 0
    table = _Table.first(message.metadata.to_pybytes()).inside(_HEADER)
    if table is not None and message.type == "dictionary":
        table = table.inside(_DATA)
    if table is None or table.inside(_COMPRESSION) is None:
        return int(body.size)
    total = 0
    for offset, length in table.pairs(_BUFFERS):
        if length >= 8:
            (size,) = struct.unpack("<q", body.slice(offset, 8).to_pybytes())
            total += length if size < 0 else size
    return total


class _Table:
    """A table in a flatbuffer: the few fields of it that are asked for."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data, self._place = data, place

    @classmethod
    def first(cls, data: bytes) -> "_Table":
        """The table that a buffer is of."""
        (place,) = struct.unpack_from("<I", data)
        return cls(data, place)

    def inside(self, number: int) -> "_Table | None":
        """A table in a field; None where there is none."""
        place = self._field(number)
        return None if place is None else _Table(self._data, self._leads_to(place))

    def pairs(self, number: int) -> list[tuple[int, int]]:
        """The structs of two numbers that a field lists."""
        place = self._field(number)
        if place is None:
            return []
        begins = self._leads_to(place)
        (count,) = struct.unpack_from("<I", self._data, begins)
        count = min(count, len(self._data) // 16)
        return [
            struct.unpack_from("<qq", self._data, begins + 4 + 16 * each) for each in range(count)
        ]

    def _leads_to(self, place: int) -> int:
        (offset,) = struct.unpack_from("<I", self._data, place)
        return place + int(offset)

    def _field(self, number: int) -> int | None:
        (back,) = struct.unpack_from("<i", self._data, self._place)
        fields = self._place - back
        (size,) = struct.unpack_from("<H", self._data, fields)
        at = 4 + 2 * number
        if at >= size:
            return None
        (offset,) = struct.unpack_from("<H", self._data, fields + at)
        return self._place + offset if offset else None
