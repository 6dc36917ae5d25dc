"""Putting finished work into the table: files that enter, rows that move, files that leave."""

from collections.abc import Collection, Mapping
from typing import Any

from pipelines.images.picked import among
from pipelines.planning.run import Run, Scene
from pipelines.table.admission import holds_copies, reading_others_files
from pipelines.table.change import Change, TableState
from pipelines.table.evolving import add_columns, name_policy
from pipelines.table.feature_table import FeatureTable
from pipelines.table.gate import commit_change
from pipelines.table.inspection import InspectedFile, inspect_file, needed_columns
from pipelines.table.rewriting import Placement, Rewrite, placement_of, rewrite_rows
from pipelines.table.storage import open_storage
from pipelines.table.stored import StoredImage, StoredRows


def commit(run: Run, scene: Scene, gone: frozenset[str], record: Mapping[str, Any]) -> int | None:
    """Commit what is finished, in one transaction on the version that was looked at.

    Args:
        run: the run.
        scene: what it saw.
        gone: names of rows that leave.
        record: what the commit shall say of the run.

    Returns:
        The table's version; None when there is still no table, because there was nothing to commit.

    Raises:
        CommitRefusedError: see `commit_change`.
        TableMovedError: another run committed since the scene was seen.
    """
    table, stored = scene.table, scene.stored
    version = None if table is None else table.version
    touched = _rows_of(stored, gone | scene.comparison.relabelled)
    edited = {row.path: dict[str, Placement]() for row in touched.values()}
    if not scene.work.rows and not edited:
        return version
    if scene.keys is None:
        raise ValueError("nothing can be committed to a table whose keys were not read")
    beside = _rows_in(stored, edited)
    stay = among(scene.inputs, beside)
    for name, row in beside.items():
        if name not in gone:
            edited[row.path][name] = placement_of(stay.get(name) or row)

    files = list(scene.work.files)
    with reading_others_files(run.uri, version):
        for path, keep in scene.work.salvage.items():
            # Not yet the table's: what such rows once held in columns of others' is no new row's.
            files.extend(_rewritten(run.uri, None, path, keep))
    for path, keep in sorted(edited.items()):
        files.extend(_rewritten(run.uri, table, path, keep))
    shape = scene.feature_shape or files[0].receipt.feature_shape
    known = None if table is None else table.augmentation
    copied = any(holds_copies(file.keys) for file in files)
    policy = known or (run.augmentation if copied else None)
    had = frozenset[str]() if table is None else table.optional
    needed = frozenset[str]().union(*(needed_columns(file.keys) for file in files))
    optional = had if table is not None else needed
    state = TableState(run.uri, version, run.contract, shape, scene.keys, policy, optional)
    if table is not None and policy != known:
        state = name_policy(state, run.id)
    if table is not None and needed - had:
        state = add_columns(state, run.id, needed - had)
    return commit_change(state, Change(files, sorted(edited), dict(record)))


def placement(scene: Scene, name: str, row: StoredImage) -> Placement:
    """What a row shall say of its image: what the input does, or its own where that is gone."""
    return placement_of(scene.inputs.get(name) or row)


def _rows_of(stored: Mapping[str, StoredImage], names: frozenset[str]) -> Mapping[str, StoredImage]:
    if isinstance(stored, StoredRows):
        return stored.of(names)
    return {name: stored[name] for name in names if name in stored}


def _rows_in(
    stored: Mapping[str, StoredImage], paths: Collection[str]
) -> Mapping[str, StoredImage]:
    if isinstance(stored, StoredRows):
        return stored.of_files(paths)
    return {name: row for name, row in stored.items() if row.path in paths}


def _rewritten(
    uri: str, table: FeatureTable | None, path: str, keep: Mapping[str, Placement]
) -> list[InspectedFile]:
    storage = open_storage(uri)
    rewrite = Rewrite.of(storage, [path], table)
    return [inspect_file(storage, new) for new in rewrite_rows(storage, [path], keep, rewrite)]
