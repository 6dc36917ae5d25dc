"""One run under way: its id, its table, its inputs, and the steps from plan to commit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import pyarrow as pa

from pipelines.compare import Comparison, ContentHashes, StoredImage, compare, stored_images
from pipelines.contract import require_same_contract
from pipelines.engines.opening import EngineRequest, choose_engine, open_engine
from pipelines.errors import CommitRefusedError
from pipelines.finished import FinishedWork, find_uncommitted, match_finished
from pipelines.job import ExtractJob, make_contract
from pipelines.leakage import Content, Leakage, find_leakage, refuse_leakage
from pipelines.plan import Plan, make_plan, rows_per_shard
from pipelines.reconcile import Books, reconcile, tally
from pipelines.records import Failure, ImageRef
from pipelines.run_id import new_run_id
from pipelines.runner import run_shards
from pipelines.shard import ShardJob
from pipelines.source import list_images
from pipelines.table.failures import read_failures, record_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.table.gate import Change, TableMovedError, TableState, commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.rewriting import Placement, Rewrite, rewrite_rows
from pipelines.table.storage import check_writable, folder_exists, open_storage, table_uri

COMMIT_ATTEMPTS = 5
"""How often a commit is planned again because another run committed in between."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The table and the uncommitted work beside it, as seen at one moment.

    Attributes:
        table: the newest version; None when there is none yet.
        keys: what `FeatureTable.keys` gives.
        stored: the same by image id.
        comparison: of the inputs with the table.
        work: what finished, uncommitted files hold of the inputs that need a row.
    """

    table: FeatureTable | None
    keys: pa.Table
    stored: Mapping[str, StoredImage]
    comparison: Comparison
    work: FinishedWork


@dataclass(frozen=True, slots=True)
class Settled:
    """How a run ended.

    Attributes:
        version: the table's version; None when there is still no table.
        books: where every input went.
        failures: the new ones.
        comparison: of the inputs with the table before the commit.
        leakage: images that stand in two splits or under two labels.
        pruned: rows removed because their image is gone.
    """

    version: int | None
    books: Books
    failures: tuple[Failure, ...]
    comparison: Comparison
    leakage: Leakage
    pruned: int


class Run:
    """An extraction between its start and its commit."""

    def __init__(self, job: ExtractJob) -> None:
        """List the input, fix the contract and make sure that the table can take the result.

        Raises:
            UsageError: the options or the input are wrong.
            TableError: the table's folder cannot be written.
        """
        self.id = new_run_id()
        self.job = job
        self.inputs = {ref.image_id: ref for ref in list_images(job.input, job.input_root)}
        self.contract = make_contract(job.features)
        self.uri = table_uri(job.table)
        self.engine = EngineRequest(
            choose_engine(job.engine), self.contract, job.features.weights, job.batch_size
        )
        self._hashes = ContentHashes()
        existing = FeatureTable.open_if_exists(self.uri)
        if existing is not None:
            require_same_contract(existing.contract, "the table", self.contract, "these options")
        check_writable(self.uri)

    def look(self) -> Scene:
        """See what the table and the files beside it hold now."""
        table = FeatureTable.open_if_exists(self.uri)
        keys = EMPTY_KEYS if table is None else table.keys()
        stored = stored_images(keys)
        comparison = compare(self.inputs, stored, self._hashes)
        wanted = {name: self.inputs[name] for name in comparison.new | comparison.changed}
        files = []
        if folder_exists(self.uri):
            committed = [] if table is None else table.paths
            files = find_uncommitted(open_storage(self.uri), committed, self.contract)
        keep = not self.job.retry_failures
        work = match_finished(files, wanted, self._hashes, self.id, keep)
        return Scene(table, keys, stored, comparison, work)

    def plan(self, scene: Scene) -> Plan:
        """Decide what is to be extracted."""
        failed = frozenset[tuple[str, int, int]]()
        if not self.job.retry_failures:
            failed = _known_failures(self.uri)
        # A failure that an earlier run already recorded is known; one it had no time to is not.
        found = scene.work.failures.values()
        recent = {f.ref.image_id for f in found if _signs(f.ref) not in failed}
        finished = frozenset(scene.work.rows) | recent
        present = scene.comparison.same | scene.comparison.relabelled
        rows = self.job.shard_rows
        if rows is None and self.inputs.keys() - present - finished:
            rows = rows_per_shard(self._feature_length(scene.table), self.job.batch_size)
        return make_plan(self.inputs.values(), present, finished, failed, rows or 1)

    def work(self, plan: Plan) -> None:
        """Extract the plan's shards on the runner."""
        job = ShardJob(self.id, self.uri, self.engine, self.job.threads, progress=None)
        run_shards(plan, job, self.job.beam_flags)

    def settle(self, plan: Plan, record: Mapping[str, Any]) -> Settled:
        """Balance the books, record failures and commit what is finished, in one transaction.

        Raises:
            CommitRefusedError: the books do not balance, too many images failed, or images leak;
                failures are recorded all the same.
        """
        recorded = False
        for _ in range(COMMIT_ATTEMPTS):
            scene = self.look()
            known = {ref.image_id for ref in plan.known_failures}
            new = {name: f for name, f in scene.work.failures.items() if name not in known}
            failures = tuple(new.values())
            if not recorded:
                record_failures(self.uri, failures, self.id)
                recorded = True
            self._check_failures(len(failures), plan.attempted)
            books = self._books(scene, plan, new)
            reconcile(books)
            passing = frozenset(name for name, f in new.items() if not f.lasting)
            gone = scene.comparison.changed - passing
            if self.job.prune:
                gone |= scene.comparison.vanished
            try:
                version, leakage = self._commit(scene, gone, books, record)
            except TableMovedError:
                continue
            for path in scene.work.waste:
                open_storage(self.uri).delete_file(path)
            pruned = len(scene.comparison.vanished) if self.job.prune else 0
            return Settled(version, books, failures, scene.comparison, leakage, pruned)
        raise CommitRefusedError(
            f"{COMMIT_ATTEMPTS} times another run committed to {self.uri} first; "
            "run the same command again, finished work is kept"
        )

    def _feature_length(self, table: FeatureTable | None) -> int:
        if table is not None:
            return table.feature_length
        return prod(open_engine(self.engine).feature_shape)

    def _books(self, scene: Scene, plan: Plan, failures: Mapping[str, Failure]) -> Books:
        inputs, compared = self.inputs, scene.comparison
        return Books(
            inputs=tally(inputs.values()),
            present=tally(inputs[name] for name in compared.same | compared.relabelled),
            written=tally(inputs[name] for name in scene.work.rows),
            known_failures=tally(plan.known_failures),
            new_failures=tally(inputs[name] for name in failures),
        )

    def _check_failures(self, failures: int, attempted: int) -> None:
        allowed = self.job.max_failures
        if allowed is None:
            allowed = max(10, attempted // 100)
        if failures > allowed:
            raise CommitRefusedError(
                f"{failures} of {attempted} images failed, more than the {allowed} allowed; "
                "nothing was committed. See them with pipelines.describe "
                f"--table {self.job.table}; raise --max_failures to accept them"
            )

    def _commit(
        self, scene: Scene, gone: frozenset[str], books: Books, record: Mapping[str, Any]
    ) -> tuple[int | None, Leakage]:
        compared, table = scene.comparison, scene.table
        leakage = find_leakage(self._contents(scene, gone))
        if self.job.refuse_leakage:
            refuse_leakage(leakage)
        edited = {
            scene.stored[name].path for name in (gone & scene.stored.keys()) | compared.relabelled
        }
        if not (scene.work.rows or edited):
            return (None if table is None else table.version), leakage
        files = list(scene.work.files)
        shape = files[0].receipt.feature_shape if files else ()
        if table is not None:
            shape = table.feature_shape
        storage = open_storage(self.uri)
        for source, keep in [*scene.work.salvage.items(), *self._edits(scene, edited, gone)]:
            shape = shape or inspect_file(storage, source).receipt.feature_shape
            rewrite = Rewrite(self.id, self.contract, shape, self.engine.name)
            paths = rewrite_rows(storage, [source], keep, rewrite)
            files.extend(inspect_file(storage, path) for path in paths)
        version = None if table is None else table.version
        state = TableState(self.uri, version, self.contract, shape, scene.keys)
        run = {**record, "counts": books.totals()}
        return commit_change(state, Change(files, sorted(edited), run)), leakage

    def _contents(self, scene: Scene, gone: frozenset[str]) -> Iterator[Content]:
        for name, row in scene.stored.items():
            if name not in gone and name not in scene.work.rows:
                label, split = self._placement(name, row)
                yield name, label, split, row.sha256
        for name, sha256 in scene.work.rows.items():
            yield name, self.inputs[name].label, self.inputs[name].split, sha256

    def _placement(self, name: str, row: StoredImage) -> Placement:
        ref = self.inputs.get(name)
        return (row.label, row.split) if ref is None else (ref.label, ref.split)

    def _edits(
        self, scene: Scene, edited: set[str], gone: frozenset[str]
    ) -> list[tuple[str, dict[str, Placement]]]:
        keep: dict[str, dict[str, Placement]] = {path: {} for path in edited}
        for name, row in scene.stored.items():
            if row.path in edited and name not in gone:
                keep[row.path][name] = self._placement(name, row)
        return sorted(keep.items())


def _signs(ref: ImageRef) -> tuple[str, int, int]:
    return ref.image_id, ref.bytes, ref.modified


def _known_failures(uri: str) -> frozenset[tuple[str, int, int]]:
    rows = read_failures(uri)
    rows = rows.filter(rows.column("lasting"))
    columns = [
        rows.column("image_id").to_pylist(),
        rows.column("bytes").to_pylist(),
        rows.column("modified").cast(pa.int64()).to_pylist(),
    ]
    return frozenset(zip(*columns, strict=True))
