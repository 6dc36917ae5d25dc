"""Writing a file whole or not at all, through a draft whose name nobody can foresee."""

import contextlib
import errno
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a draft beside a file; it takes the file's name when the block ends well.

    A link of that name is replaced, and what it leads to stays as it is. A device, a pipe, and what
    this process has open (`/dev/stdout`, wherever it leads to) are written to directly.

    Args:
        path: the file; what had its name is replaced.

    Raises:
        OSError: it cannot be written; what had the name is as it was.
    """
    if _names_an_open_file(path) or (path.exists() and not path.is_file()):
        with _as_it_is(path) as special:
            yield special
        return
    draft = path.with_name(f".draft-{uuid.uuid4().hex}")
    # Exclusive: what is there already, a link among it, is never opened.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _names_an_open_file(path: Path) -> bool:
    """Whether a name stands for what a process has open, and cannot be given to another file."""
    folder = path.parent.resolve()
    return folder == Path("/dev") or folder.is_relative_to("/proc")


@contextlib.contextmanager
def _as_it_is(path: Path) -> Iterator[BinaryIO]:
    # Never emptied: a file may be there already, or have taken a pipe's place just now.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    with os.fdopen(descriptor, "ab") as file:
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and not _names_an_open_file(path):
            raise FileExistsError(errno.EEXIST, "a file took the place of a pipe", str(path))
        yield file


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one piece, as `whole_file` does.

    Raises:
        OSError: it cannot be written; what had the name is as it was.
    """
    with whole_file(path) as file:
        file.write(content)
