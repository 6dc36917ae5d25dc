"""What Keras imports where it is installed, and no command needs: a third of its import's time."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType

UNNEEDED = frozenset({"matplotlib", "pandas", "sklearn"})
"""Packages that Keras does without where they are not installed."""

RUNS_COMMAND = threading.Event()
"""Set where the process is a command's own: nobody else's code wants those parts of Keras there."""


@contextmanager
def unneeded_left_out() -> Iterator[None]:
    """Let what this thread imports meanwhile go without `UNNEEDED`, if the process is a command's.

    Other threads still find them, and this one afterwards.
    """
    if not RUNS_COMMAND.is_set():
        yield
        return
    absent = _Absent(threading.get_ident())
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)


class _Absent(MetaPathFinder):
    def __init__(self, thread: int) -> None:
        self._thread = thread

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if fullname in UNNEEDED and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{fullname} is left out", name=fullname)
