"""Importing Beam without its noise, and one line of what its runners say at length."""

import contextlib
import functools
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from pipelines.errors import UsageError
from pipelines.system.lifeline import end_with_parent

_READERS = ("wait_until_finish_read", "beam_control_read", "read_grpc_client_inputs")
"""Beam's threads that fail, with a traceback, when who they read from is gone."""


def load_beam() -> Any:  # noqa: ANN401 - a module without types
    """Import Beam without what it warns of on the way.

    Raises:
        UsageError: it is not installed.
    """
    # While it is imported Beam warns of Google libraries that only its Google parts need.
    logging.disable(logging.WARNING)
    try:
        import apache_beam
    except ImportError as error:
        raise UsageError("Apache Beam is not installed; pip install '.[extract]'") from error
    finally:
        logging.disable(logging.NOTSET)
    return apache_beam


def serve_runner(argv: list[str]) -> None:
    """Be a worker process of Beam's embedded runner until it is done.

    It says nothing: what goes wrong with a shard is raised where the runner is.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends this one
    end_with_parent()
    load_beam()
    from apache_beam.runners.worker import sdk_worker_main

    logging.getLogger().addHandler(logging.NullHandler())  # or one that writes is added
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL + 1)
    _hush_for_good()
    try:
        sdk_worker_main.main(argv)
    except Exception as error:
        if _is_gone(error):  # and nobody is left to be told
            sys.exit(1)
        raise


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


@contextlib.contextmanager
def outside_notebooks() -> Iterator[None]:
    """Let Beam do in a notebook what it does in a program.

    There it would name a pipeline's steps by cells, and imports its data frames for that, which
    fail with any pandas newer than 2; and it would leave its temporary folder.
    """
    from apache_beam import pipeline
    from apache_beam.utils import interactive_utils

    askers, asked = (pipeline, interactive_utils), interactive_utils.is_in_ipython
    for each in askers:
        each.is_in_ipython = lambda: False
    try:
        yield
    finally:
        for each in askers:
            each.is_in_ipython = asked


@functools.cache
def _hush_for_good() -> None:
    """What speaks after the run: the thread that still reads, and the end of the job server."""
    logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.CRITICAL)
    hook = threading.excepthook

    def tell(failed: threading.ExceptHookArgs) -> None:
        lost = failed.exc_value is not None and _is_gone(failed.exc_value)
        if not lost and (failed.thread is None or failed.thread.name not in _READERS):
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
