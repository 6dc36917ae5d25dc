"""Reading an image's bytes, trying again when the trouble may pass."""

import errno
import stat
import time
from pathlib import Path

from pipelines.stores.objects import read_object
from pipelines.stores.places import is_remote

ATTEMPTS = 3
FIRST_PAUSE = 0.1
"""Seconds before the second attempt; doubled before each further one."""

_LASTING = frozenset(
    {
        errno.EACCES,
        errno.EINVAL,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOTDIR,
    }
)


def read_bytes(uri: str) -> bytes:
    """Read a whole file or object.

    Raises:
        OSError: it is not there, may not be read, or failed `ATTEMPTS` times in a row; an object
            store's client has its own patience.
    """
    if is_remote(uri):
        return read_object(uri)
    for attempt in range(ATTEMPTS):
        try:
            # Opening a pipe would wait for a writer that never comes.
            if not stat.S_ISREG(Path(uri).stat().st_mode) and not Path(uri).is_dir():
                raise OSError(errno.EINVAL, "not a regular file")
            return Path(uri).read_bytes()
        except OSError as error:
            if error.errno in _LASTING or attempt == ATTEMPTS - 1:
                raise
            time.sleep(FIRST_PAUSE * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")
