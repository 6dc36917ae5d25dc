"""Deleting images for good: from the table, from its old versions, from every file."""

from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.cli import log
from pipelines.errors import TableError
from pipelines.reports import Grid, Part, Report
from pipelines.stores.outages import is_outage
from pipelines.table.change import Change
from pipelines.table.commit_log import paths_ever_logged, read_commits
from pipelines.table.deletion import delete_inside
from pipelines.table.doubles import require_single
from pipelines.table.failure_files import delete_failures, stale_failures
from pipelines.table.failures import append_failures, read_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.table.gate import commit_change
from pipelines.table.index_files import delete_index
from pipelines.table.inspection import inspect_file
from pipelines.table.names import new_run_id
from pipelines.table.own_files import own_files, refuse_table_in_data
from pipelines.table.page_files import delete_pages
from pipelines.table.pins import pinned_models
from pipelines.table.receipts import read_receipt
from pipelines.table.rewriting import Rewrite, copy_rows
from pipelines.table.schema import PAGES_FOLDER
from pipelines.table.storage import open_storage
from pipelines.visible import visible

ROWS_LOOKED_AT = 65_536
"""Ids read at once from a file that may hold one of those to forget."""


@dataclass(frozen=True, slots=True)
class Forgotten(Report):
    """What forgetting did.

    Attributes:
        images: images that the table held and no longer holds.
        files: data files deleted from the disk.
        version: the table's version now.
        models: folders of models that were trained on a version of the table with one of them, as
            the table remembers; what they have learned of the images is theirs still.
    """

    images: int
    files: int
    version: int
    models: tuple[str, ...] = ()

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        rows = [
            ("images forgotten", str(self.images)),
            ("files deleted", str(self.files)),
            ("version", str(self.version)),
        ]
        if not self.models:
            return [Grid(rows)]
        models = [(visible(model),) for model in self.models]
        return [
            Grid(rows),
            "",
            "these models were trained on a version that held one of them, or of which that cannot "
            "be told any more; train them again (frozen-features refit --model MODEL), or delete "
            "them:",
            Grid(models),
        ]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return asdict(self)


def forget(table: FeatureTable, ids: frozenset[str]) -> Forgotten:
    """Remove images from the table, then delete every file that still holds one of them.

    Older versions that need such a file can no longer be read.

    Args:
        table: the newest version.
        ids: image ids.

    Raises:
        CommitRefusedError: another run committed meanwhile; nothing was deleted.
        TableError: which files are the table's own cannot be told, or it holds other rows twice;
            nothing was changed.
    """
    refuse_table_in_data(table)
    rows = table.names()
    doomed = rows.filter(pc.is_in(rows["image_id"], pa.array(sorted(ids), pa.string())))
    found = frozenset(doomed["image_id"].to_pylist())
    require_single(
        table.uri, rows.filter(pc.invert(pc.is_in(rows["image_id"], doomed["image_id"])))
    )
    table.require_writable()
    version = table.version
    models = _models_with(table, ids)
    affected = set(doomed["path"].to_pylist()) | _receipts_naming(table, ids)
    if affected:
        version = _commit_without(table, rows, found, sorted(affected))
    # An index may hold them still, of this version or of one before; it can be built again.
    if delete_index(table.uri):
        log("the index of neighbours, which may have held them, is deleted")
    if pages := delete_pages(table.uri):
        log(f"pages of the table in {PAGES_FOLDER}/, which may show them, are deleted: {pages}")
    deleted = _delete_files_with(FeatureTable.open(table.uri), ids)
    _forget_failures(table.uri, ids)
    return Forgotten(len(found), deleted, version, models)


def _models_with(table: FeatureTable, ids: frozenset[str]) -> tuple[str, ...]:
    """Models of versions that hold one of the images, before these are deleted from them."""
    wanted = pa.array(sorted(ids), pa.string())
    found: set[str] = set()
    for version, models in pinned_models(table.uri, table.version).items():
        if models - found and _version_holds(table.uri, version, wanted):
            found |= models
    return tuple(sorted(found))


def _version_holds(uri: str, version: int, wanted: pa.Array) -> bool:
    try:
        held = FeatureTable.open(uri, version).names()["image_id"]
    except TableError:
        return True  # an earlier deletion took files of it
    return bool(pc.any(pc.is_in(held, wanted)).as_py())


def _receipts_naming(table: FeatureTable, ids: frozenset[str]) -> set[str]:
    """Files whose receipt tells of one of the images that it could not be used."""
    receipts = {path: read_receipt(table.storage, path) for path in table.paths}
    return {
        path
        for path, receipt in receipts.items()
        if receipt is not None and ids & {f.ref.image_id for f in receipt.failures}
    }


def _commit_without(
    table: FeatureTable, rows: pa.Table, found: frozenset[str], affected: list[str]
) -> int:
    storage = open_storage(table.uri)
    added = [
        new
        for path in affected
        for new in copy_rows(storage, [path], Rewrite.of(storage, [path], table), found)
    ]
    files = [inspect_file(storage, path) for path in added]
    record = {"run": new_run_id(), "what": f"forget {len(found)} images"}
    return commit_change(table.state(rows), Change(files, affected, record))


def _delete_files_with(table: FeatureTable, ids: frozenset[str]) -> int:
    storage = table.storage
    needed = set(table.paths)
    wanted = pa.array(sorted(ids), pa.string())
    deleted = 0
    for info in own_files(table, paths_ever_logged(storage, read_commits(storage))):
        if info.path not in needed and _holds(storage, info.path, wanted):
            delete_inside(table.uri, info.path)
            deleted += 1
    return deleted


def _holds(storage: pafs.FileSystem, path: str, wanted: pa.Array) -> bool:
    try:
        receipt = read_receipt(storage, path)
        failed = [f.ref.image_id for f in receipt.failures] if receipt else []
        if pc.any(pc.is_in(pa.array(failed, pa.string()), wanted)).as_py():
            return True
        with storage.open_input_file(path) as source:
            batches = pq.ParquetFile(source).iter_batches(ROWS_LOOKED_AT, columns=["image_id"])
            return any(
                pc.any(pc.is_in(rows["image_id"].cast(pa.string()), wanted)).as_py()
                for rows in batches
            )
    except Exception as error:
        # Of a file that there is no memory to read, nothing is known.
        if is_outage(error) or isinstance(error, MemoryError):
            raise
        return True  # torn or damaged: nobody can tell what is in it, so it goes too


def _forget_failures(uri: str, ids: frozenset[str]) -> None:
    rows = read_failures(uri)
    kept = rows.filter(pc.invert(pc.is_in(rows["image_id"], pa.array(sorted(ids), pa.string()))))
    if kept.num_rows == rows.num_rows and not stale_failures(uri):
        return
    # Made anew, because the log of the old one names addresses and hashes in its statistics.
    delete_failures(uri)
    append_failures(uri, kept)
