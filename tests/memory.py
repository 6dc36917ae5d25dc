"""How much memory a process took at most."""

from pathlib import Path


def own_peak() -> int:
    """Peak resident memory of this process since it began, KiB.

    Not `ru_maxrss`, which starts at the size of the process that this one was forked from.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise OSError("this system does not tell a process's peak memory")
