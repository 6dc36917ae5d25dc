"""What the system tells of other processes."""

import os
import time
from pathlib import Path


def children_of(pid: int) -> list[int]:
    """The processes below one, parents first."""
    found = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(text) for text in listing.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):  # the thread, or all of it, has ended
            continue
    return found + [below for child in found for below in children_of(child)]


def command_line(pid: int) -> str:
    """A process's command line, its words apart by spaces; "" once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8").replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def running_in_session(session: int) -> list[int]:
    """The processes of a session that run, orphans among them."""
    pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
    return [pid for pid in pids if _session_of(pid) == session and is_running(pid)]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def end_soon(pids: list[int], seconds: float = 10.0) -> bool:
    """Whether processes end within a time."""
    end = time.monotonic() + seconds
    while any(map(is_running, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(map(is_running, pids))
