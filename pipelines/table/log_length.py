"""Logs of many commits: how long one is since its last checkpoint, and shortening it.

Every hundredth commit of ours leaves a checkpoint. A log without any, of another writer, is held by
delta-rs as a whole when it is opened: about 30 kB of memory and 0.3 ms a commit.
"""

import re

import pyarrow.fs as pafs

from pipelines.cli import log
from pipelines.errors import TableError
from pipelines.table.schema import LOG_FOLDER
from pipelines.table.storage import delta_errors, is_delta, open_delta, open_folder

MOST_COMMITS = 20_000
"""Commits since the last checkpoint with which a table is opened: half a GB, and seconds."""

STEP = 10_000
"""Commits from one checkpoint to the next where many are made at once."""

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\b.*\.parquet")


def check_log_length(uri: str) -> None:
    """Refuse a log that takes too much memory to open.

    Raises:
        TableError: it has more than `MOST_COMMITS` commits since its last checkpoint.
    """
    storage = open_folder(uri)
    if not _has_many(storage):
        return
    newest, checkpoint = _newest(storage)
    behind = newest - checkpoint
    if behind > MOST_COMMITS:
        raise TableError(
            f"the log of {uri} has {behind} commits since its last checkpoint, which opened at "
            f"once would take {behind * 30 / 1e3:,.0f} MB; python -m pipelines.tidy --table {uri} "
            "makes checkpoints, a part of the log at a time"
        )


def shorten_log(uri: str) -> int:
    """Make checkpoints of a log that `check_log_length` refuses; returns how many.

    Raises:
        TableError: the log cannot be read, or the checkpoints not be written.
    """
    with delta_errors(uri, "open"):
        if not is_delta(uri) or not _has_many(open_folder(uri)):
            return 0
    newest, checkpoint = _newest(open_folder(uri))
    made = 0
    while newest - checkpoint > MOST_COMMITS:
        checkpoint += STEP
        with delta_errors(uri, "make a checkpoint of"):
            open_delta(uri, checkpoint).create_checkpoint()
        log(f"checkpoint at version {checkpoint} of {newest}")  # there may be minutes of them
        made += 1
    return made


def _has_many(storage: pafs.FileSystem) -> bool:
    # One question to a store instead of a listing: short logs have no commit of that number.
    return bool(storage.get_file_info(f"{LOG_FOLDER}/{MOST_COMMITS:020d}.json").is_file)


def _newest(storage: pafs.FileSystem) -> tuple[int, int]:
    infos = storage.get_file_info(pafs.FileSelector(LOG_FOLDER, allow_not_found=True))
    names = [info.base_name for info in infos]
    newest, checkpoint = (
        max((int(found[1]) for name in names if (found := kind.fullmatch(name))), default=0)
        for kind in (_COMMIT, _CHECKPOINT)
    )
    return newest, checkpoint
