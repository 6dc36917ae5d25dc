"""Ctrl-C and SIGTERM in the middle of a run: one line, no child left behind, nothing lost.

Beam's embedded runner turns Ctrl-C into an error of its own and does not clean up on SIGTERM. A run
needs no orderly end, since only finished files count, so the process just ends.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

MESSAGE = "stopped; finished shards are kept, the same command goes on from them"

CANCEL_SECONDS = 10.0
"""How long a stopped process waits for work elsewhere to be called off."""

_cancels: list[Callable[[], None]] = []
_cleanups: list[Callable[[], None]] = []


@contextlib.contextmanager
def cancel_when_stopped(cancel: Callable[[], object]) -> Iterator[None]:
    """Have work on other machines called off should the process be stopped meanwhile.

    It is done before this process's own children are ended, which it may need.
    """

    def bounded() -> None:
        # On a thread: what is called off may not answer.
        thread = threading.Thread(target=_quietly, args=(cancel,), daemon=True)
        thread.start()
        thread.join(CANCEL_SECONDS)

    _cancels.append(bounded)
    try:
        yield
    finally:
        _cancels.remove(bounded)


def _quietly(cancel: Callable[[], object]) -> None:
    with contextlib.suppress(Exception):
        cancel()


@contextlib.contextmanager
def clean_up_when_stopped(cleanup: Callable[[], None]) -> Iterator[None]:
    """Have something done should the process be stopped meanwhile, when no `finally` runs."""
    _cleanups.append(cleanup)
    try:
        yield
    finally:
        _cleanups.remove(cleanup)


def always_clean_up(cleanup: Callable[[], None]) -> None:
    """Have something done should the process be stopped at any time from now on."""
    _cleanups.append(cleanup)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[None]:
    """Until the block ends, SIGINT and SIGTERM end the process with status 130 and 143.

    Python delivers signals to the main thread only; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, _stop) for number in caught]
    try:
        yield
    finally:
        for number, handler in zip(caught, before, strict=True):
            signal.signal(number, handler)


def _stop(number: int, _frame: FrameType | None) -> None:
    # Beam's threads complain at length of workers that are gone; nobody needs to read that.
    terminal = os.dup(sys.stderr.fileno())
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    for cancel in _cancels:
        cancel()
    for child in _descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    for cleanup in _cleanups:
        with contextlib.suppress(OSError):
            cleanup()
    os.write(terminal, f"\n{MESSAGE}\n".encode())
    os._exit(128 + number)


def _descendants(parent: int) -> list[int]:
    """Processes below one, parents first; none where the system does not tell."""
    found: list[int] = []
    for listing in Path(f"/proc/{parent}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for text in listing.read_text().split():
                found += [int(text), *_descendants(int(text))]
    return found
