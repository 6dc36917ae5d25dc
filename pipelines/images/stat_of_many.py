"""Stat data of millions of local files, asked by as many processes as there are cores.

Python takes 2.5 microseconds for a file and holds its lock for most of that, so threads gain
nothing: two of them take as long as one.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.images import stat_process
from pipelines.images.stat_process import numbers_of
from pipelines.system.cores import usable_cores
from pipelines.system.own_python import python_script

BLOCK = 16_384
"""Files that are asked for at once."""

MANY = 200_000
"""Files from which on other processes help: half a second of asking."""

MOST_PROCESSES = 8

Numbers = npt.NDArray[np.int64]
_NUMBERS = 4


def stat_numbers(files: pa.Array) -> Numbers:
    """Size, time of change and of any change in nanoseconds, and mode, of each file.

    Args:
        files: large strings, or large binaries as the system encodes them.

    Returns:
        int64 (files, 4); zeros for a file that is not there.
    """
    found = np.zeros((len(files), _NUMBERS), np.int64)
    waiting = [*range(0, len(files), BLOCK)]
    with ExitStack() as open_:
        helpers = [open_.enter_context(_helper()) for _ in range(_processes(len(files)) - 1)]
        threads = open_.enter_context(ThreadPoolExecutor(len(helpers) or 1, "stat"))
        asked = [threads.submit(_ask, helper, files, found, waiting) for helper in helpers]
        open_.callback(waiting.clear)  # so that threads end if this one is interrupted
        while waiting or asked:
            while (start := _next(waiting)) is not None:
                _put(found, start, numbers_of(files[start : start + BLOCK].to_pylist()))
            for each in asked:
                each.result()
            asked = []  # a block that waits now was given to a process that died
    return found


def _processes(files: int) -> int:
    # The names' bytes are what the system calls the files where it speaks UTF-8.
    alone = files < MANY or sys.getfilesystemencoding() != "utf-8"
    return 1 if alone else min(usable_cores(), MOST_PROCESSES)


@contextlib.contextmanager
def _helper() -> Iterator[subprocess.Popen[bytes] | None]:
    """A process that runs `stat_process`; None where none can be started."""
    command = python_script(stat_process.__file__)
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except OSError:
        yield None
        return
    assert process.stdin is not None
    with process:
        try:
            yield process
        finally:
            process.kill()
            # What it was still to be sent cannot be, if it ended by itself.
            with contextlib.suppress(OSError):
                process.stdin.close()


def _ask(
    helper: subprocess.Popen[bytes] | None,
    files: pa.Array,
    found: Numbers,
    waiting: list[int],
) -> None:
    """Have a process asked for blocks that wait, until none does; one it fails at waits again."""
    if helper is None or helper.stdin is None or helper.stdout is None:
        return
    while (start := _next(waiting)) is not None:
        names = files[start : start + BLOCK].cast(pa.binary())
        joined = pc.binary_join(pa.ListArray.from_arrays([0, len(names)], names), b"\0")
        content = joined[0].as_buffer()
        try:
            helper.stdin.write(content.size.to_bytes(8, "little"))
            helper.stdin.write(content)
            helper.stdin.flush()
            answer = helper.stdout.read(8 * _NUMBERS * len(names))
        except OSError:
            answer = b""
        if len(answer) < 8 * _NUMBERS * len(names):
            waiting.append(start)
            return
        _put(found, start, answer)


def _next(waiting: list[int]) -> int | None:
    try:
        return waiting.pop()
    except IndexError:
        return None


def _put(found: Numbers, start: int, numbers: bytes) -> None:
    block = np.frombuffer(numbers, np.int64).reshape(-1, _NUMBERS)
    found[start : start + len(block)] = block
