"""How many processor cores and graphics cards this process may use."""

import math
import os
import re
import sys
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
DEVICES = Path("/dev")


def usable_cores() -> int:
    """Cores this process may use: its affinity, and a container's limit rounded up.

    In a container `os.cpu_count()` gives the machine's cores, and as many threads as that would
    only wait for each other.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(allowed or 1, _quota_cores()))


def visible_gpus() -> tuple[str, ...]:
    """NVIDIA cards that a process started here would see, found without loading any library.

    Returns:
        What `CUDA_VISIBLE_DEVICES` names, or the numbers of the device files; empty without a card.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    cards = sorted(
        (
            path.name[6:]
            for path in DEVICES.glob("nvidia*")
            if re.fullmatch(r"nvidia\d+", path.name)
        ),
        key=int,
    )
    if named is None or not cards:
        return tuple(cards)
    # CUDA itself stops at the first name that is none, which is how -1 hides all cards.
    chosen = []
    for name in (part.strip() for part in named.split(",")):
        if not name or name.startswith("-"):
            break
        chosen.append(name)
    return tuple(chosen)


def _quota_cores() -> int:
    try:
        limit, period = (CGROUP / "cpu.max").read_text().split()
        return math.ceil(int(limit) / int(period))
    except (OSError, ValueError):  # no cgroup of version 2, or no limit ("max")
        return sys.maxsize
