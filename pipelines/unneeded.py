"""What Keras imports where it is installed, and no command needs: a third of its import's time."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType

from pipelines.own_process import OWN_PROCESS

UNNEEDED = frozenset({"matplotlib", "pandas", "sklearn"})
"""Packages that Keras does without where they are not installed."""


@contextmanager
def unneeded_left_out() -> Iterator[None]:
    """Let what this thread imports meanwhile go without `UNNEEDED`, if the process is a command's.

    Other threads still find them, and this one afterwards.
    """
    if not OWN_PROCESS.is_set():
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
