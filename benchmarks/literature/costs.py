"""Running a command and seeing what it costs: seconds by the clock and of the processors."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.child import ROOT, ChildError


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took, with all processes that it waited for.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of all processors together.
    """

    seconds: float
    cpu_seconds: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.seconds + other.seconds, self.cpu_seconds + other.cpu_seconds)


def run_command(module: str, arguments: Sequence[object]) -> Cost:
    """Run `python -m module arguments` to its end; what it says on stderr is shown.

    Raises:
        ChildError: it failed.
    """
    started = time.perf_counter()
    command = [sys.executable, "-m", module, *map(str, arguments)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise ChildError(f"{module} ended with status {child.returncode}; it says why above")
    return Cost(time.perf_counter() - started, used.ru_utime + used.ru_stime)
