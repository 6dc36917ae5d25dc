"""How much memory this process may use, and how much it took at most."""

import os
from pathlib import Path

from pipelines.system.cgroups import settings


def usable_memory() -> int:
    """Bytes of memory that this process may take: the machine's, or its container's if less."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = settings("memory", "memory.max", ("memory.limit_in_bytes",))
    return min([physical, *(int(word) for words in found for word in words if word.isdecimal())])


def own_peak() -> int:
    """Peak resident memory of this process since it began, bytes.

    Not `ru_maxrss`, which starts at the size of the process that this one was forked from.

    Raises:
        OSError: this system does not tell.
    """
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("this system does not tell a process's peak memory")
