"""The name of a run, which tells when it began."""

import calendar
import time
import uuid

_FORMAT = "%Y%m%dT%H%M%S"


def new_run_id() -> str:
    """A name for a run that begins now: time to the second (UTC), then random digits."""
    return f"{time.strftime(_FORMAT, time.gmtime())}-{uuid.uuid4().hex[:8]}"


def run_of_path(path: str) -> str:
    """The run whose name a data file's path begins with; "" for a file of somebody else's."""
    parts = path.rpartition("/")[2].split("-")
    return "-".join(parts[:2]) if len(parts) >= 4 and run_began("-".join(parts[:2])) else ""


def run_began(run: str) -> int:
    """When a run began, microseconds since the epoch; 0 for what is no run's name."""
    try:
        return calendar.timegm(time.strptime(run.partition("-")[0], _FORMAT)) * 1_000_000
    except ValueError:
        return 0
