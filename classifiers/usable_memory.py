"""How much memory this process may use."""

import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def usable_memory() -> int:
    """Bytes of memory that this process may take: the machine's, or its container's if less."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *cgroup_limits(MEMBERSHIP, CGROUPS)])


def cgroup_limits(membership: Path, root: Path) -> list[int]:
    """Memory limits, in bytes, of the control groups that a process is in, and of those above.

    Args:
        membership: the process's `/proc/PID/cgroup`, lines of `number:controllers:path`.
        root: where the groups are mounted; those of version 1 by controller.
    """
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    limits = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        own = top / path.strip("/")
        # In a container the path may be that of the host, which is not mounted.
        for folder in (own, *own.parents):
            limits += _limit(folder / name)
            if folder == top:
                break
    return limits


def _limit(path: Path) -> list[int]:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return []
    return [int(text)] if text.isdecimal() else []  # "max" is none
