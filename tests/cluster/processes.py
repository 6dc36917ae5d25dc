"""Processes that end with the tests, even where these are killed and tidy nothing up."""

import ctypes
import signal
import subprocess
from typing import Any

_SET_SIGNAL_AT_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG of Linux's prctl
_LIBC = ctypes.CDLL(None)


def start(command: list[str], **options: Any) -> subprocess.Popen[Any]:
    """Like `subprocess.Popen`, but the kernel ends the process when this one ends.

    To be called on the main thread: with the thread that starts it the process ends too.
    """
    return subprocess.Popen(command, preexec_fn=_end_with_parent, **options)


def _end_with_parent() -> None:
    _LIBC.prctl(_SET_SIGNAL_AT_PARENTS_DEATH, signal.SIGKILL)
