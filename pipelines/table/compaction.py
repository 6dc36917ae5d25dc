"""Keeping a table of many nightly runs small: fewer files, no orphans, no outlived versions."""

import itertools
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.cli import log
from pipelines.errors import TableError
from pipelines.reports import Grid, Part, Report
from pipelines.stores.outages import is_outage
from pipelines.table.change import Change
from pipelines.table.commit_log import Commit, paths_ever_logged, read_commits
from pipelines.table.deletion import delete_inside
from pipelines.table.doubles import require_single
from pipelines.table.feature_table import FeatureTable
from pipelines.table.gate import commit_change
from pipelines.table.inspection import inspect_file
from pipelines.table.log_length import shorten_log
from pipelines.table.names import new_run_id
from pipelines.table.own_files import own_files, refuse_table_in_data
from pipelines.table.pins import pinned_versions
from pipelines.table.rewriting import Rewrite, copy_rows
from pipelines.table.storage import open_storage, table_uri

TARGET_BYTES = 128 * 2**20
"""Raw features of a file that compaction aims at; files of half of it are left alone."""


@dataclass(frozen=True, slots=True)
class Tidied(Report):
    """What tidying did.

    Attributes:
        merged: files that were merged.
        into: files they became.
        deleted: data files removed from the disk.
        freed: their bytes.
        kept_versions: versions that can still be read, ascending.
    """

    merged: int
    into: int
    deleted: int
    freed: int
    kept_versions: tuple[int, ...]

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        rows = [
            ("files merged", f"{self.merged} into {self.into}"),
            ("files deleted", f"{self.deleted} ({self.freed / 1e6:.1f} MB)"),
            ("readable versions", ", ".join(_runs(self.kept_versions))),
        ]
        return [Grid(rows)]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return asdict(self)


def tidy(location: str, retention: float, keep_pinned: bool) -> Tidied:
    """Merge a table's small files, then delete what `delete_unreferenced` does.

    A log that is too long to be opened gets checkpoints first.

    Raises:
        TableError: there is no such table, or what its log says cannot be understood; nothing is
            deleted.
    """
    shorten_log(table_uri(location))
    table = FeatureTable.open(location)
    refuse_table_in_data(table)
    merged, into = merge_small_files(table)
    table = FeatureTable.open(location)
    return Tidied(merged, into, *delete_unreferenced(table, retention, keep_pinned))


def merge_small_files(table: FeatureTable) -> tuple[int, int]:
    """Merge small files of one split, in one commit that changes no row; (merged, into)."""
    groups = list(_groups(table))
    if not groups:
        return 0, 0
    storage = open_storage(table.uri)
    rows = table.names()
    require_single(table.uri, rows)
    table.require_writable()
    removed = [path for paths in groups for path in paths]
    added = [
        new
        for paths in groups
        for new in copy_rows(storage, paths, Rewrite.of(storage, paths, table))
    ]
    files = [inspect_file(storage, path) for path in added]
    record = {"run": new_run_id(), "what": "tidy"}
    commit_change(table.state(rows), Change(files, removed, record, moves_only=True))
    return len(removed), len(added)


def delete_unreferenced(
    table: FeatureTable, retention: float, keep_pinned: bool
) -> tuple[int, int, tuple[int, ...]]:
    """Delete data files that no version worth keeping needs and that are older than the retention.

    Args:
        table: the newest version.
        retention: seconds for which a version stays readable after it was replaced, and for which
            an uncommitted file waits for a run that takes it over.
        keep_pinned: keep versions that models were trained on, however old.

    Returns:
        Files deleted, their bytes, and the versions that can still be read.

    Raises:
        TableError: the log, or a file that it names, is not understood; nothing is deleted.
    """
    storage = table.storage
    commits = [commit._replace(run=None) for commit in read_commits(storage)]
    kept = _versions_within(commits, table.version, retention)
    needed, oldest = set(table.paths), min(kept)
    for commit in commits:
        # What a kept version holds is there still, or was removed by a commit after it.
        if commit.version > oldest:
            needed.update(commit.added, commit.removed)
    pinned = _pinned_files(table) if keep_pinned else {}
    needed.update(*pinned.values())
    deleted = freed = 0
    for info in own_files(table, paths_ever_logged(storage, commits)):
        age = time.time() - (info.mtime_ns or 0) / 1e9
        if info.path not in needed and age >= retention:
            delete_inside(table.uri, info.path)
            deleted, freed = deleted + 1, freed + info.size
    return deleted, freed, tuple(sorted(kept | pinned.keys()))


def _versions_within(commits: Sequence[Commit], newest: int, retention: float) -> set[int]:
    oldest = (time.time() - retention) * 1000
    kept = {newest}
    for commit, following in itertools.pairwise(commits):  # a version ends when the next begins
        if following.version <= newest and following.time > oldest:
            kept.add(commit.version)
    return kept


def _pinned_files(table: FeatureTable) -> dict[int, list[str]]:
    """The files of each version that a model names and that can still be opened."""
    found: dict[int, list[str]] = {}
    for version in pinned_versions(table.uri, table.version):
        try:
            found[version] = FeatureTable.open(table.uri, version).paths
        except TableError as error:
            if is_outage(error):
                raise
            log(f"version {version}, which a model names, is not kept: {error}")
    return found


def _runs(versions: Sequence[int]) -> Iterator[str]:
    """Ascending numbers for people, `1, 5 to 9`: a table may keep many thousands."""
    for _, run in itertools.groupby(enumerate(versions), lambda each: each[1] - each[0]):
        numbers = [version for _, version in run]
        if len(numbers) > 2:
            yield f"{numbers[0]} to {numbers[-1]}"
        else:
            yield from map(str, numbers)


def _groups(table: FeatureTable) -> Iterator[list[str]]:
    target = max(1, TARGET_BYTES // (4 * table.feature_length))
    by_split: defaultdict[str | None, list[tuple[str, int]]] = defaultdict(list)
    for file in table.files:
        # How many rows a file of another writer has, its log need not say.
        if file.removable and file.rows is not None and file.rows <= target // 2:
            by_split[file.least_split].append((file.path, file.rows))
    for files in by_split.values():
        group: list[str] = []
        held = 0
        for path, rows in files:
            if group and held + rows > target:
                if len(group) > 1:
                    yield group
                group, held = [], 0
            group.append(path)
            held += rows
        if len(group) > 1:
            yield group
