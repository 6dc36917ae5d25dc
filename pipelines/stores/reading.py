"""Reading an image's bytes within bounds, trying again when the trouble may pass."""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from pipelines.stores.objects import TooLargeError, object_blocks, read_object
from pipelines.stores.places import is_remote

MAX_IMAGE_BYTES = 256 << 20
"""Most bytes of an image's file if nothing else is said: ten times those of a large photograph."""

ATTEMPTS = 3
FIRST_PAUSE = 0.1
"""Seconds before the second attempt; doubled before each further one."""

BLOCK = 1 << 20
"""Bytes that are held of a file that is hashed."""

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


def read_bytes(uri: str, most: int = MAX_IMAGE_BYTES) -> bytes:
    """Read a whole file or object.

    Args:
        uri: where it is.
        most: bytes; of a file that has more, no more is read.

    Raises:
        TooLargeError: it has more.
        OSError: it is not there, may not be read, or failed `ATTEMPTS` times in a row; an object
            store's client has its own patience.
    """
    if is_remote(uri):
        return read_object(uri, most)
    return _patiently(lambda: b"".join(_file_blocks(uri, most, None)))


def sha256_of(uri: str, most: int = MAX_IMAGE_BYTES) -> str:
    """Hash a file or object in blocks; hexadecimal.

    Raises:
        OSError: as `read_bytes`.
    """
    if is_remote(uri):
        return _hash(object_blocks(uri, most))
    return _patiently(lambda: _hash(_file_blocks(uri, most, BLOCK)))


def _hash(blocks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


def _patiently(read: Callable[[], _Made]) -> _Made:
    for attempt in range(ATTEMPTS):
        try:
            return read()
        except OSError as error:
            if error.errno in _LASTING or attempt == ATTEMPTS - 1:
                raise
            time.sleep(FIRST_PAUSE * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _file_blocks(path: str, most: int, block: int | None) -> Iterator[bytes]:
    """Read a file that has at most so many bytes, also if it grows meanwhile; at once if it can."""
    _refuse_irregular(os.stat(path))  # noqa: PTH116 - opening a device may do something
    # Should a pipe have taken its place since, opening it would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        found = os.fstat(descriptor)
        _refuse_irregular(found)
        _refuse_too_large(found.st_size, most)
        taken = 0
        while content := file.read(block or found.st_size + 1):
            taken += len(content)
            _refuse_too_large(taken, most)
            yield content


def _refuse_irregular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")


def _refuse_too_large(size: int, most: int) -> None:
    if size > most:
        raise TooLargeError(size, most)
