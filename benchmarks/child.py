"""Running a module as its user would: a Python process of its own, from start to end."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import FrozenFeaturesError

ROOT = Path(__file__).resolve().parents[1]


class ChildError(FrozenFeaturesError):
    """A process of a benchmark failed."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something a process said.

    Attributes:
        seconds: when, since the process was started.
        text: what, without its end of line.
    """

    seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended well.

    Attributes:
        seconds: from its start to its end.
        lines: what it said on stderr.
    """

    seconds: float
    lines: tuple[Line, ...]


def start_module(
    module: str, *arguments: object, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `python -m module arguments`; its stdout is dropped, its stderr a pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_module(
    module: str, *arguments: object, environment: Mapping[str, str] | None = None
) -> Finished:
    """Run `python -m module arguments` to its end.

    Args:
        module: the module.
        *arguments: its command line; paths must be absolute, for it runs in the project's folder.
        environment: variables that it gets besides those of this process.

    Raises:
        ChildError: it failed.
    """
    started = time.perf_counter()
    child = start_module(module, *arguments, environment=environment)
    assert child.stderr is not None
    with child.stderr as said_by_it:
        lines = tuple(Line(time.perf_counter() - started, text.rstrip()) for text in said_by_it)
    if child.wait() != 0:
        said = next((each.text for each in reversed(lines) if each.text), "nothing was said")
        raise ChildError(f"{module} ended with status {child.returncode}: {said}")
    return Finished(time.perf_counter() - started, lines)
