"""A table's commits, read one after the other from its log: what came, what went, and when.

delta-rs keeps all commits that it is asked for in memory, and numbers them by counting; here they
are read in turn, however many there are, and a commit is numbered by its file's name.
"""

import functools
import posixpath
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple, TypedDict

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.errors import TableError
from pipelines.system.threads import map_ahead
from pipelines.table.log_paths import path_in_table
from pipelines.table.notes import PUT_BACK
from pipelines.table.schema import LOG_FOLDER, RUN_KEY
from pipelines.table.storage import is_local
from pipelines.untrusted import value_from_json

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\b.*\.parquet")

READING_THREADS = 16
"""Commits read at once where a store takes its time to answer; a disk does not."""

_LATEST = 253_402_300_799_000
"""The end of the year 9999, ms since the epoch: what lies behind it is no time of a commit."""


class Commit(NamedTuple):
    """One commit.

    Attributes:
        version: the version it made.
        time: when, ms since the epoch: as it says, or else the time of its file.
        operation: as Delta names it; "" where it does not say.
        run: the record that a run of ours left in it.
        added: paths of the data files that came, inside the table's folder.
        removed: of those that went.
    """

    version: int
    time: int
    operation: str
    run: dict[str, Any] | None
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def digests(self) -> dict[str, str]:
        """Digests of the rows of files, by path, where a run said them."""
        said = (self.run or {}).get("digests")
        if not isinstance(said, dict):
            return {}
        return {path: digest for path, digest in said.items() if isinstance(digest, str)}


class _File(TypedDict):
    path: str


class _Line(TypedDict, total=False):
    add: _File | None
    remove: _File | None
    commitInfo: dict[str, Any] | None


def read_commits(storage: pafs.FileSystem) -> Iterator[Commit]:
    """Read the commits that the log still has, oldest first.

    Paths that do not lie below the table's folder are left out.

    Args:
        storage: a filesystem whose root is the table's folder.

    Raises:
        TableError: a commit cannot be read.
    """
    paths = (path for _, path in _in_log(storage, _COMMIT))
    return (commit for commit in _read_ahead(storage, paths) if commit is not None)


def read_back(storage: pafs.FileSystem, version: int) -> Iterator[Commit]:
    """Read the commits up to a version, newest first, as far back as the log has them unbroken.

    Args:
        storage: a filesystem whose root is the table's folder.
        version: of the first one read.

    Raises:
        TableError: a commit cannot be read.
    """
    # Asked for by name, so that the last few of very many are found without a listing.
    for commit in _read_ahead(
        storage, (f"{LOG_FOLDER}/{each:020d}.json" for each in range(version, -1, -1))
    ):
        if commit is None:
            return
        yield commit


def paths_ever_logged(storage: pafs.FileSystem, commits: Iterable[Commit]) -> frozenset[str]:
    """Data files that any version held of which the log still tells.

    Args:
        storage: a filesystem whose root is the table's folder.
        commits: what `read_commits` gave.

    Raises:
        TableError: the log cannot be read.
    """
    paths: set[str] = set()
    first = None
    for commit in commits:
        first = commit.version if first is None else first
        paths.update(commit.added, commit.removed)
    if first != 0:  # what came before is in checkpoints
        for _, path in _in_log(storage, _CHECKPOINT):
            paths.update(_paths_in_checkpoint(storage, path))
    return frozenset(paths)


def _in_log(storage: pafs.FileSystem, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
    infos = storage.get_file_info(pafs.FileSelector(LOG_FOLDER, allow_not_found=True))
    matched = ((pattern.fullmatch(info.base_name), info) for info in infos if info.is_file)
    return sorted((int(match[1]), info.path) for match, info in matched if match is not None)


def _read_ahead(storage: pafs.FileSystem, paths: Iterable[str]) -> Iterator[Commit | None]:
    read = functools.partial(_read, storage)
    if is_local(storage):
        return map(read, paths)
    return map_ahead(read, paths, READING_THREADS, 2 * READING_THREADS, "commits")


def _read(storage: pafs.FileSystem, path: str) -> Commit | None:
    said: dict[str, Any] = {}
    added: list[str] = []
    removed: list[str] = []
    try:
        with storage.open_input_stream(path) as file:
            lines = file.read().split(b"\n")
        for text in lines:
            if not text.strip():
                continue
            line = value_from_json(text, _Line)
            for action, paths in ((line.get("add"), added), (line.get("remove"), removed)):
                if action is not None:
                    paths.extend(_below_table(action["path"]))
            said = line.get("commitInfo") or said
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise TableError(
            f"{path} in the table's log cannot be read: {error}; {PUT_BACK}"
        ) from error
    operation, run = said.get("operation"), said.get(RUN_KEY)
    return Commit(
        version=int(posixpath.basename(path).partition(".")[0]),
        time=_time_in(said) or (storage.get_file_info(path).mtime_ns or 0) // 1_000_000,
        operation=operation if isinstance(operation, str) else "",
        run=run if isinstance(run, dict) else None,
        added=tuple(added),
        removed=tuple(removed),
    )


def _below_table(spelled: str) -> list[str]:
    try:
        return [path_in_table(spelled)]
    except ValueError:
        return []


def _time_in(said: dict[str, Any]) -> int | None:
    time = said.get("timestamp")
    if not isinstance(time, int) or isinstance(time, bool):
        return None
    return time if 0 < time <= _LATEST else None


def _paths_in_checkpoint(storage: pafs.FileSystem, path: str) -> Iterator[str]:
    try:
        with storage.open_input_file(path) as source:
            checkpoint = pq.ParquetFile(source)
            # A few at a time: of very many actions only the different paths are held.
            for actions in checkpoint.iter_batches(1024, columns=["add.path", "remove.path"]):
                for action in chain.from_iterable(column.to_pylist() for column in actions):
                    if action is not None and action["path"] is not None:
                        yield from _below_table(_text(action["path"]))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise TableError(
            f"{path} in the table's log cannot be read: {error}; {PUT_BACK}"
        ) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a path is {value!r}")
    return value
