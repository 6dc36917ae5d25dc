"""Further Python processes, which import what this one would and nothing else.

Python looks for modules in the folder that a command stands in, before all others, when it is
started with `-m`; such a folder may hold what somebody else wrote.
"""

import os
import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])


def python_module(name: str) -> list[str]:
    """The beginning of a command that runs a module by this Python.

    Args:
        name: of the module.
    """
    return [sys.executable, "-P", "-m", name]


def python_script(path: str) -> list[str]:
    """A command that runs a file which needs the standard library alone; it starts the sooner.

    Args:
        path: of the file.
    """
    return [sys.executable or "", "-I", "-S", path]


def with_our_path() -> dict[str, str]:
    """The environment, by which such a process finds modules where this one finds them."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys([*sys.path, _ROOT]))}
