"""Writing a file whole or not at all, through a draft whose name nobody can foresee."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a draft beside a file; it takes the file's name when the block ends well.

    A link of that name is replaced, and what it leads to stays as it is. Where a device or a pipe
    has the name, `/dev/stdout` for one, it is written to directly.

    Args:
        path: the file; what had its name is replaced.

    Raises:
        OSError: it cannot be written; what had the name is as it was.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as special:
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


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one piece, as `whole_file` does.

    Raises:
        OSError: it cannot be written; what had the name is as it was.
    """
    with whole_file(path) as file:
        file.write(content)
