"""Reading local files within bounds, trying again when the trouble may pass."""

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from pipelines.stores.objects import TooLargeError

ATTEMPTS = 3
FIRST_PAUSE = 0.1
"""Seconds before the second attempt; doubled before each further one."""

_LASTING = frozenset(
    {
        errno.EACCES,
        errno.EFBIG,
        errno.EINVAL,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOTDIR,
    }
)

_Made = TypeVar("_Made")


def patiently(read: Callable[[], _Made]) -> _Made:
    """Read, and read again where that may help.

    Raises:
        OSError: it failed `ATTEMPTS` times in a row, or in a way that lasts.
    """
    for attempt in range(ATTEMPTS):
        try:
            return read()
        except OSError as error:
            if error.errno in _LASTING or attempt == ATTEMPTS - 1:
                raise
            time.sleep(FIRST_PAUSE * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


def file_blocks(path: str, most: int, block: int | None) -> Iterator[bytes]:
    """Read a file that has at most so many bytes, also if it grows meanwhile.

    Args:
        path: the file.
        most: bytes.
        block: bytes that are read at once; None for all of them if they can be had.

    Raises:
        TooLargeError: it has more.
        OSError: it is not there, or may not be read.
    """
    descriptor = open_file(path)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        size = os.fstat(descriptor).st_size
        refuse_too_large(size, most)
        taken = 0
        while content := file.read(block or size + 1):
            taken += len(content)
            refuse_too_large(taken, most)
            yield content


def file_slice(path: str, start: int, count: int) -> bytes:
    """Read bytes from the middle of a file; fewer where it ends before.

    Raises:
        OSError: it is not there, or may not be read.
    """
    descriptor = open_file(path)
    try:
        parts = []
        while count and (part := os.pread(descriptor, count, start)):
            parts.append(part)
            start, count = start + len(part), count - len(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def refuse_too_large(size: int, most: int) -> None:
    """Refuse more bytes than are allowed.

    Raises:
        TooLargeError: it is more.
    """
    if size > most:
        raise TooLargeError(size, most)


def open_file(path: str) -> int:
    """Open a regular file for reading; a folder opens too, and fails as soon as it is read.

    Returns:
        Its descriptor.

    Raises:
        OSError: it is not there, may not be read, or is a device or a pipe.
    """
    _refuse_irregular(os.stat(path))  # noqa: PTH116 - opening a device may do something
    # Should a pipe have taken its place since, opening it would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _refuse_irregular(os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_irregular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
