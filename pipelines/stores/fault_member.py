"""What a listing knows cannot be read: its address says why, and reading it fails with that."""

import errno


def read_fault(file: str, _start: int, _count: int, why: str, _most: int) -> bytes:
    """Fail as the listing said.

    Raises:
        OSError: always.
    """
    raise OSError(errno.EINVAL, f"{why} in {file}")
