"""Names of runs and of data files: a file's name tells its run, and a run's tells when it began."""

import calendar
import functools
import re
import time
import uuid
from collections.abc import Iterable

from pipelines.table.schema import DATA_FOLDER

_FORMAT = "%Y%m%dT%H%M%S"
_SECONDS_LONG = len("20000101T000000")
_DATA_FILE = re.compile(
    rf"{DATA_FOLDER}/\d{{8}}T\d{{9}}-[0-9a-f]{{8}}-(\d{{6,}}|[a-z]+)-[0-9a-f]{{8}}\.parquet"
)


UNKNOWN_RUN = "19700101T000000000-00000000"
"""Stands for the run of a file that this project did not write: nothing about it is certain."""


def oldest_run(paths: Iterable[str]) -> str:
    """The run that copies of these files' rows are to be named after.

    Copying looks at no image, so it must not make a row seem checked later than it was.
    """
    return min(run_of_path(path) or UNKNOWN_RUN for path in paths)


def new_run_id() -> str:
    """A name for a run that begins now: time to the millisecond (UTC), then random digits."""
    now = time.time_ns() // 1_000_000
    began = time.strftime(_FORMAT, time.gmtime(now // 1000))
    return f"{began}{now % 1000:03d}-{uuid.uuid4().hex[:8]}"


@functools.lru_cache(maxsize=65_536)
def run_of_path(path: str) -> str:
    """The run whose name a data file's path begins with; "" for a file of somebody else's."""
    parts = path.rpartition("/")[2].split("-")
    return "-".join(parts[:2]) if len(parts) >= 4 and run_began("-".join(parts[:2])) else ""


def is_of_run(path: str, run: str | None) -> bool:
    """Whether a run wrote a data file; never of a file of somebody else's, and never for no run."""
    return bool(run) and run_of_path(path) == run


@functools.lru_cache(maxsize=65_536)
def run_began(run: str) -> int:
    """When a run began, microseconds since the epoch, rounded down to the second.

    0 for what is no run's name.
    """
    try:
        return calendar.timegm(time.strptime(run[:_SECONDS_LONG], _FORMAT)) * 1_000_000
    except ValueError:
        return 0


def data_file_name(run: str, shard: str) -> str:
    """A new name for a file of a shard, inside the table's folder; no two attempts share one."""
    return f"{DATA_FOLDER}/{run}-{shard}-{uuid.uuid4().hex[:8]}.parquet"


def is_own_name(path: str) -> bool:
    """Whether a path is one that `data_file_name` gives, and so no other program's."""
    return _DATA_FILE.fullmatch(path) is not None


def shard_of_path(path: str) -> str:
    """The shard that `data_file_name` put into a path; "" for a file of somebody else's."""
    parts = path.rpartition("/")[2].split("-")
    return parts[2] if len(parts) == 4 else ""
