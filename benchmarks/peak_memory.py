"""Runs a module as a command and writes down how much memory its process took at most.

`python -m benchmarks.peak_memory FILE MODULE ARGUMENTS...`
"""

import runpy
import sys
from pathlib import Path


def main(file: str, module: str, *arguments: str) -> None:
    """Run the module as `python -m` does; the file gets the peak in KiB, however it ends."""
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        Path(file).write_text(f"{own_peak()}\n", encoding="utf-8")


def own_peak() -> int:
    """Peak resident memory of this process since it began, KiB.

    Not `ru_maxrss`, which starts at the size of the process that this one was forked from.

    Raises:
        OSError: this system does not tell.
    """
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise OSError("this system does not tell a process's peak memory")


if __name__ == "__main__":
    main(*sys.argv[1:])
