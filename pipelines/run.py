"""One run under way: its id, its table, its inputs, and the steps from plan to commit."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import pyarrow as pa

from pipelines.contract import require_same_contract
from pipelines.engines.opening import EngineRequest, choose_engine, open_engine
from pipelines.errors import CommitRefusedError
from pipelines.finished import FinishedWork, find_uncommitted, match_finished
from pipelines.job import ExtractJob, make_contract
from pipelines.plan import Plan, make_plan, rows_per_shard
from pipelines.reconcile import Books, reconcile, tally
from pipelines.records import Failure, ImageRef
from pipelines.runner import run_shards
from pipelines.shard import ShardJob
from pipelines.source import list_images
from pipelines.table.failures import read_failures, record_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.table.gate import TableMovedError, TableState, commit_files
from pipelines.table.inspection import EMPTY_KEYS
from pipelines.table.schema import DATA_FOLDER
from pipelines.table.storage import check_writable, folder_exists, open_storage, table_uri

COMMIT_ATTEMPTS = 5
"""How often a commit is planned again because another run committed in between."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The table and the uncommitted work beside it, as seen at one moment.

    Attributes:
        table: the newest version; None when there is none yet.
        keys: its rows without features; see `pipelines.table.inspection.KEY_COLUMNS`.
        present: ids in the table.
        work: what finished, uncommitted files hold of the other inputs.
    """

    table: FeatureTable | None
    keys: pa.Table
    present: frozenset[str]
    work: FinishedWork


@dataclass(frozen=True, slots=True)
class Settled:
    """How a run ended.

    Attributes:
        version: the table's version; None when there is still no table.
        books: where every input went.
        failures: the new ones.
    """

    version: int | None
    books: Books
    failures: tuple[Failure, ...]


class Run:
    """An extraction between its start and its commit."""

    def __init__(self, job: ExtractJob) -> None:
        """List the input, fix the contract and make sure that the table can take the result.

        Raises:
            UsageError: the options or the input are wrong.
            TableError: the table's folder cannot be written.
        """
        self.id = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}"
        self.job = job
        self.inputs = {ref.image_id: ref for ref in list_images(job.input, job.input_root)}
        self.contract = make_contract(job.features)
        self.uri = table_uri(job.table)
        self.engine = EngineRequest(
            choose_engine(job.engine), self.contract, job.features.weights, job.batch_size
        )
        existing = FeatureTable.open_if_exists(self.uri)
        if existing is not None:
            require_same_contract(existing.contract, "the table", self.contract, "these options")
        check_writable(self.uri)

    def look(self) -> Scene:
        """See what the table and the files beside it hold now."""
        table = FeatureTable.open_if_exists(self.uri)
        keys = EMPTY_KEYS if table is None else table.keys()
        present = frozenset(keys.column("image_id").to_pylist())
        missing = {name: ref for name, ref in self.inputs.items() if name not in present}
        committed = [] if table is None else table.paths
        files = []
        if folder_exists(self.uri):
            files = find_uncommitted(open_storage(self.uri), committed, self.contract)
        keep = not self.job.retry_failures
        return Scene(table, keys, present, match_finished(files, missing, self.id, keep))

    def plan(self, scene: Scene) -> Plan:
        """Decide what is to be extracted."""
        failed = frozenset[tuple[str, int, int]]()
        if not self.job.retry_failures:
            failed = _known_failures(self.uri)
        # A failure that an earlier run already recorded is known; one it had no time to is not.
        found = scene.work.failures.values()
        recent = {f.ref.image_id for f in found if _signs(f.ref) not in failed}
        finished = scene.work.rows | recent
        new = [name for name in self.inputs if name not in scene.present | finished]
        rows = self.job.shard_rows
        if rows is None and new:
            rows = rows_per_shard(self._feature_length(scene.table), self.job.batch_size)
        return make_plan(self.inputs.values(), scene.present, finished, failed, rows or 1)

    def work(self, plan: Plan) -> None:
        """Extract the plan's shards on the runner."""
        job = ShardJob(self.id, self.uri, self.engine, self.job.threads, progress=None)
        run_shards(plan, job, self.job.beam_flags)

    def settle(self, plan: Plan, record: Mapping[str, Any]) -> Settled:
        """Balance the books, record failures and commit what is finished, in one transaction.

        Raises:
            CommitRefusedError: the books do not balance or too many images failed; failures are
                recorded all the same.
        """
        recorded = False
        for _ in range(COMMIT_ATTEMPTS):
            scene = self.look()
            known = {ref.image_id for ref in plan.known_failures}
            new = {name: f for name, f in scene.work.failures.items() if name not in known}
            books = self._books(scene, plan, new)
            failures = tuple(new.values())
            if not recorded:
                record_failures(self.uri, failures, self.id)
                recorded = True
            self._check_failures(len(failures), plan.attempted)
            reconcile(books)
            try:
                version = self._commit(scene, books, record)
            except TableMovedError:
                continue
            for path in scene.work.waste:
                if path.startswith(f"{DATA_FOLDER}/{self.id}-"):
                    open_storage(self.uri).delete_file(path)
            return Settled(version, books, failures)
        raise CommitRefusedError(
            f"{COMMIT_ATTEMPTS} times another run committed to {self.uri} first; "
            "run the same command again, finished work is kept"
        )

    def _feature_length(self, table: FeatureTable | None) -> int:
        if table is not None:
            return table.feature_length
        return prod(open_engine(self.engine).feature_shape)

    def _books(self, scene: Scene, plan: Plan, failures: Mapping[str, Failure]) -> Books:
        inputs = self.inputs
        return Books(
            inputs=tally(inputs.values()),
            present=tally(ref for name, ref in inputs.items() if name in scene.present),
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

    def _commit(self, scene: Scene, books: Books, record: Mapping[str, Any]) -> int | None:
        files = scene.work.files
        if not files:
            return None if scene.table is None else scene.table.version
        table = scene.table
        state = TableState(
            uri=self.uri,
            version=None if table is None else table.version,
            contract=self.contract,
            feature_shape=files[0].receipt.feature_shape if table is None else table.feature_shape,
            keys=scene.keys,
        )
        return commit_files(state, files, {**record, "counts": books.totals()})


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
