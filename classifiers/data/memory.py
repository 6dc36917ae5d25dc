"""How much memory training may take for features, and whether a split fits into it."""

import argparse
import re
from dataclasses import dataclass

from pipelines.system.memory import usable_memory

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """Most memory for features and for what a head makes of them.

    What the interpreter and the libraries take of their own comes on top of it: 0.2 GB with
    scikit-learn, 0.7 GB with TensorFlow.

    Attributes:
        size: in bytes.
        reason: where the number comes from, for the user.
    """

    size: int
    reason: str


def default_budget() -> MemoryBudget:
    """Half of what this process may use."""
    usable = usable_memory()
    return MemoryBudget(usable // 2, f"half of the {show_size(usable)} this process may use")


def memory_budget(text: str) -> MemoryBudget:
    """An option's value such as `8G`, `500M` (powers of 1000), or a number of bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)B?", text.strip().upper())
    size = round(float(found[1]) * UNITS[found[2]]) if found else 0
    if size < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 8G, 500M or 2000000000")
    return MemoryBudget(size, f"--memory {text}")


def show_size(size: int) -> str:
    """A number of bytes for people: `1.6 GB`."""
    for unit in ("T", "G", "M", "K"):
        if size >= UNITS[unit]:
            return f"{size / UNITS[unit]:.3g} {unit.replace('K', 'k')}B"
    return f"{size} bytes"
