"""Making one line of what Beam's runners say when something fails, which they say at length."""

import contextlib
import functools
import logging
import threading
from collections.abc import Iterator

_MESSAGE_THREAD = "wait_until_finish_read"
"""Beam's thread that fails, with a traceback, when the job server it reads from is gone."""


@contextlib.contextmanager
def quiet_runner() -> Iterator[None]:
    """Keep a runner's own words off the terminal: what fails is raised, and told by the caller."""
    # Runners of clusters log to the root, the others under Beam's name.
    root, beam = logging.getLogger(), logging.getLogger("apache_beam")
    levels = [(root, root.level), (beam, beam.level)]
    _hush_for_good()
    for logger, _ in levels:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in levels:
            logger.setLevel(level)


@functools.cache
def _hush_for_good() -> None:
    """What speaks after the run: the thread that still reads, and the end of the job server."""
    logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.CRITICAL)
    hook = threading.excepthook

    def tell(failed: threading.ExceptHookArgs) -> None:
        if failed.thread is None or failed.thread.name != _MESSAGE_THREAD:
            hook(failed)

    threading.excepthook = tell


def one_line(error: BaseException) -> str:
    """What a runner's error comes down to, in one line."""
    if _is_gone(error):
        return "Beam's job server is gone; the job it submitted may run on until it is cancelled"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("File ", "at ", "["))]
    return (telling or lines or [type(error).__name__])[-1]


def _is_gone(error: BaseException) -> bool:
    code = getattr(error, "code", None)  # gRPC's errors have one, as a method
    return callable(code) and getattr(code(), "name", "") in ("UNAVAILABLE", "CANCELLED")
