"""Runs a module as a command and writes down how much memory its process took at most.

`python -m benchmarks.peak_memory FILE MODULE ARGUMENTS...`
"""

import runpy
import sys
from pathlib import Path

from pipelines.system.memory import own_peak


def main(file: str, module: str, *arguments: str) -> None:
    """Run the module as `python -m` does; the file gets the peak in KiB, however it ends."""
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        Path(file).write_text(f"{own_peak() // 1024}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
