"""How much memory this process took at most."""

from pathlib import Path


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
