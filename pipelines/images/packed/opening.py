"""Opening a packed file to look through it: a local file, or an object read in large pieces."""

import io
import os
from typing import BinaryIO

from pipelines.stores.files import open_file
from pipelines.stores.objects import StoreError, stat_of
from pipelines.stores.places import Place, is_remote, parse_place
from pipelines.stores.slices import read_slice

PIECE = 1 << 20
"""Bytes of an object that are asked for at once."""


def open_packed(location: str) -> BinaryIO:
    """Open a file or object for reading, at any position.

    Raises:
        OSError: it is not there, or may not be read.
    """
    if not is_remote(location):
        return os.fdopen(open_file(location), "rb")
    place = parse_place(location)
    found = stat_of(place)
    if found is None:
        raise StoreError(f"no object at {location}")
    return io.BufferedReader(_Object(place, found.bytes), PIECE)


class _Object(io.RawIOBase):
    """An object as a file."""

    def __init__(self, place: Place, size: int) -> None:
        self._uri, self._size, self._at = place.uri, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begins = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, begins + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        count = min(len(buffer), self._size - self._at)
        if count <= 0:
            return 0
        content = read_slice(self._uri, self._at, count)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)
