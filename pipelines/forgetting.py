"""Deleting images for good: from the table, from its old versions, from every file."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import DeltaTable

from pipelines.compare import stored_images
from pipelines.run_id import new_run_id, oldest_run
from pipelines.table.failures import failures_uri
from pipelines.table.feature_table import FeatureTable
from pipelines.table.files import read_receipt
from pipelines.table.gate import Change, TableState, commit_change
from pipelines.table.inspection import inspect_file
from pipelines.table.rewriting import Rewrite, rewrite_rows
from pipelines.table.schema import DATA_FOLDER
from pipelines.table.storage import open_storage


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting did.

    Attributes:
        images: images that the table held and no longer holds.
        files: data files deleted from the disk.
        version: the table's version now.
    """

    images: int
    files: int
    version: int


def forget(table: FeatureTable, ids: frozenset[str]) -> Forgotten:
    """Remove images from the table, then delete every file that still holds one of them.

    Older versions that need such a file can no longer be read.

    Args:
        table: the newest version.
        ids: image ids.

    Raises:
        CommitRefusedError: another run committed meanwhile; nothing was deleted.
    """
    keys = table.keys()
    stored = stored_images(keys)
    found = ids & stored.keys()
    version = table.version
    if found:
        version = _commit_without(table, keys, found)
    deleted = _delete_files_with(FeatureTable.open(table.uri), ids)
    _forget_failures(table.uri, ids)
    return Forgotten(len(found), deleted, version)


def _commit_without(table: FeatureTable, keys: pa.Table, found: frozenset[str]) -> int:
    storage, contract, shape = open_storage(table.uri), table.contract, table.feature_shape
    stored = stored_images(keys)
    affected = sorted({stored[name].path for name in found})
    added = []
    for path in affected:
        keep = {
            name: (row.label, row.split)
            for name, row in stored.items()
            if row.path == path and name not in found
        }
        receipt = read_receipt(storage, path)
        engine = "unknown" if receipt is None else receipt.engine
        rewrite = Rewrite(oldest_run([path]), contract, shape, engine)
        added.extend(rewrite_rows(storage, [path], keep, rewrite))
    files = [inspect_file(storage, path) for path in added]
    state = TableState(table.uri, table.version, contract, shape, keys)
    record = {"run": new_run_id(), "what": f"forget {len(found)} images"}
    return commit_change(state, Change(files, affected, record))


def _delete_files_with(table: FeatureTable, ids: frozenset[str]) -> int:
    storage = open_storage(table.uri)
    needed = set(table.paths)
    wanted = pa.array(sorted(ids), pa.string())
    deleted = 0
    for info in storage.get_file_info(pafs.FileSelector(DATA_FOLDER, allow_not_found=True)):
        if info.is_file and info.path not in needed and _holds(storage, info.path, wanted):
            storage.delete_file(info.path)
            deleted += 1
    return deleted


def _holds(storage: pafs.FileSystem, path: str, wanted: pa.Array) -> bool:
    try:
        with storage.open_input_file(path) as source:
            ids = pq.ParquetFile(source).read(columns=["image_id"]).column("image_id")
        receipt = read_receipt(storage, path)
    except Exception:  # torn or damaged: nobody can tell what is in it, so it goes too
        return True
    failed = pa.array([f.ref.image_id for f in receipt.failures] if receipt else [], pa.string())
    return bool(pc.any(pc.is_in(ids, wanted)).as_py() or pc.any(pc.is_in(failed, wanted)).as_py())


def _forget_failures(uri: str, ids: frozenset[str]) -> None:
    where = failures_uri(uri)
    if not DeltaTable.is_deltatable(where):
        return
    failures = DeltaTable(where)
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(ids))
    failures.delete(f"image_id in ({listed})")
    failures.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
