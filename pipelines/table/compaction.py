"""Keeping a table of many nightly runs small: fewer files, no orphans, no outlived versions."""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.reports import Grid, Part, Report
from pipelines.table.feature_table import FeatureTable
from pipelines.table.gate import Change, commit_change
from pipelines.table.inspection import inspect_file
from pipelines.table.names import new_run_id
from pipelines.table.pins import pinned_versions
from pipelines.table.rewriting import Rewrite, copy_rows
from pipelines.table.storage import list_data_files, open_storage

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
            ("readable versions", ", ".join(str(version) for version in self.kept_versions)),
        ]
        return [Grid(rows)]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return asdict(self)


def tidy(location: str, retention: float, keep_pinned: bool) -> Tidied:
    """Merge a table's small files, then delete what `delete_unreferenced` does.

    Raises:
        TableError: there is no such table.
    """
    merged, into = merge_small_files(FeatureTable.open(location))
    table = FeatureTable.open(location)
    return Tidied(merged, into, *delete_unreferenced(table, retention, keep_pinned))


def merge_small_files(table: FeatureTable) -> tuple[int, int]:
    """Merge small files of one split, in one commit that changes no row; (merged, into)."""
    groups = list(_groups(table))
    if not groups:
        return 0, 0
    storage = open_storage(table.uri)
    rows = table.names()
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
    """
    kept = _kept_versions(table, retention, keep_pinned)
    needed: set[str] = set()
    for version in kept:
        needed.update(FeatureTable.open(table.uri, version).paths)
    storage = open_storage(table.uri)
    deleted = freed = 0
    for info in list_data_files(storage):
        age = time.time() - (info.mtime_ns or 0) / 1e9
        if info.path not in needed and age >= retention:
            storage.delete_file(info.path)
            deleted, freed = deleted + 1, freed + info.size
    return deleted, freed, kept


def _kept_versions(table: FeatureTable, retention: float, keep_pinned: bool) -> tuple[int, ...]:
    oldest = (time.time() - retention) * 1000
    kept = {table.version}
    replaced_at: float | None = None
    for commit in table.history():  # newest first: a version ends when the next one begins
        if replaced_at is not None and replaced_at > oldest:
            kept.add(commit["version"])
        replaced_at = commit["timestamp"]
    if keep_pinned:
        kept |= pinned_versions(table.uri)
    return tuple(sorted(kept))


def _groups(table: FeatureTable) -> Iterator[list[str]]:
    target = max(1, TARGET_BYTES // (4 * table.feature_length))
    by_split: defaultdict[str | None, list[tuple[str, int]]] = defaultdict(list)
    for file in table.files:
        # How many rows a file of another writer has, its log need not say.
        if file.rows is not None and file.rows <= target // 2:
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
