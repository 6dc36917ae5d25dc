"""Child processes that end with their parent, however that ends.

A pipe that only the parent can write to is the child's standard input. It is never written to: its
end is the parent's, whose descriptors the system closes even after SIGKILL.
"""

import contextlib
import os
import threading
from collections.abc import Iterator

_STDIN = 0


@contextlib.contextmanager
def lifeline() -> Iterator[int]:
    """What to give to a child as its standard input; when the block ends, so does the child."""
    theirs, ours = os.pipe()
    try:
        yield theirs
    finally:
        os.close(theirs)
        os.close(ours)


def end_with_parent() -> None:
    """In a child that was given a lifeline: end at once when the parent is gone."""
    threading.Thread(target=_wait_for_the_end, name="lifeline", daemon=True).start()


def _wait_for_the_end() -> None:
    with contextlib.suppress(OSError):
        while os.read(_STDIN, 1):
            pass
    os._exit(1)
