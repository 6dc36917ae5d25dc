"""A file or object as Arrow reads it: pieces of it, wherever it is."""

import errno
import io
import os
import time
from collections.abc import Hashable

from pipelines.stores.objects import stat_of
from pipelines.stores.places import is_remote, parse_place
from pipelines.stores.slices import read_slice

MOST_AT_ONCE = 1 << 30
"""Bytes of a piece, at most: a page of Parquet has about one megabyte, a batch of Arrow many."""

SIGN_SECONDS = 10.0
"""How long a store's word on an object is good, which otherwise would be asked for every image."""


class RangeFile(io.RawIOBase):
    """Reads pieces of a file or object.

    Attributes:
        trouble: what reading a piece last ended with. Arrow's own complaints are of what was read,
            and this tells them from those of the way there.
    """

    def __init__(self, location: str) -> None:
        """Raises: OSError when there is no such file."""
        self.trouble: Exception | None = None
        self._location, self._place = location, 0
        self._size = size_of(location)

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next piece begins."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Say where the next piece begins."""
        begins = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}
        self._place = begins[whence] + offset
        return self._place

    def read(self, size: int | None = -1, /) -> bytes:
        """Read a piece, or the rest; fewer bytes where the file ends before."""
        left = max(0, self._size - self._place)
        count = left if size is None or size < 0 else min(size, left)
        try:
            if count > MOST_AT_ONCE:
                raise OSError(
                    errno.EFBIG,
                    f"{self._location} would have to be read {count:,} bytes at once; write it "
                    "in smaller row groups or batches",
                )
            piece = read_slice(self._location, self._place, count) if count else b""
        except Exception as error:
            self.trouble = error
            raise
        self._place += len(piece)
        return piece


def size_of(location: str) -> int:
    """Bytes of a file or object.

    Raises:
        OSError: it is not there, or the store does not say.
    """
    if not is_remote(location):
        return os.stat(location).st_size  # noqa: PTH116
    found = stat_of(parse_place(location))
    if found is None:
        raise FileNotFoundError(errno.ENOENT, f"there is no {location}", location)
    return found.bytes


_signs: dict[str, tuple[float, Hashable]] = {}


def sign_of(location: str) -> Hashable:
    """What changes with a file or object: what is held of it is good while this stays.

    Raises:
        OSError: it is not there, or the store does not say.
    """
    if not is_remote(location):
        found = os.stat(location)  # noqa: PTH116 - for every image
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    asked, sign = _signs.get(location, (0.0, None))
    now = time.monotonic()
    if sign is None or now - asked > SIGN_SECONDS:
        sign = stat_of(parse_place(location))
        if sign is None:
            raise FileNotFoundError(errno.ENOENT, f"there is no {location}", location)
        _signs[location] = now, sign
    return sign
