"""The end of a run: the books are balanced, failures recorded, and the work committed at once."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.compare import Comparison, StoredImage
from pipelines.errors import CommitRefusedError
from pipelines.leakage import Content, Leakage, find_leakage, refuse_leakage
from pipelines.planning import Plan
from pipelines.reconcile import Books, reconcile, tally
from pipelines.records import Failure
from pipelines.run import Run, Scene
from pipelines.run_id import oldest_run
from pipelines.table.failures import record_failures
from pipelines.table.files import read_receipt
from pipelines.table.gate import Change, TableMovedError, TableState, commit_change
from pipelines.table.inspection import InspectedFile, inspect_file
from pipelines.table.rewriting import Placement, Rewrite, rewrite_rows
from pipelines.table.storage import open_storage

COMMIT_ATTEMPTS = 5
"""How often a commit is planned again because another run committed in between."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How a run ended.

    Attributes:
        version: the table's version; None when there is still no table.
        counts: see `counts_of`.
        failures: the new ones.
        comparison: of the inputs with the table before the commit.
        leakage: images that stand in two splits or under two labels.
    """

    version: int | None
    counts: dict[str, int]
    failures: tuple[Failure, ...]
    comparison: Comparison
    leakage: Leakage


def settle(run: Run, plan: Plan, record: Mapping[str, Any]) -> Settled:
    """Balance the books, record failures and commit what is finished, in one transaction.

    Args:
        run: the run, its shards extracted.
        plan: what it set out to do.
        record: what the commit shall say of the run, besides the counts.

    Raises:
        CommitRefusedError: the books do not balance, too many images failed, or images leak and the
            user wants none to; failures are recorded all the same.
    """
    recorded = False
    for _ in range(COMMIT_ATTEMPTS):
        scene = run.look()
        known = {ref.image_id for ref in plan.known_failures}
        new = {name: f for name, f in scene.work.failures.items() if name not in known}
        refusal = _too_many_failures(run, scene, len(new), plan.attempted + len(plan.finished))
        if not recorded:
            # A refused run's failures stay new, or its rerun would pass where it did not.
            record_failures(run.uri, tuple(new.values()), run.id, known=refusal is None)
            recorded = True
        if refusal is not None:
            raise CommitRefusedError(refusal)
        books = _books(run, scene, plan, new)
        reconcile(books)
        gone = _gone(run, scene, new)
        _check_pruned(run, scene)
        leakage = find_leakage(_contents(run, scene, gone))
        if run.job.refuse_leakage:
            refuse_leakage(leakage)
        try:
            counts = counts_of(books, scene.comparison, scene.work.rows, run.job.prune)
            version = _commit(run, scene, gone, {**record, "counts": counts})
        except TableMovedError:
            continue
        for path in scene.work.waste:
            open_storage(run.uri).delete_file(path)
        return Settled(version, counts, tuple(new.values()), scene.comparison, leakage)
    raise CommitRefusedError(
        f"{COMMIT_ATTEMPTS} times another run committed to {run.uri} first; "
        "run the same command again, finished work is kept"
    )


def _too_many_failures(run: Run, scene: Scene, failures: int, attempted: int) -> str | None:
    see = f"nothing was committed, see them with pipelines.describe --table {run.job.table}"
    if failures and not (scene.stored or scene.work.rows):
        return f"none of the {failures} images attempted can be used; {see}"
    allowed = run.job.max_failures
    if allowed is None:
        allowed = max(10, attempted // 100)
    if failures <= allowed:
        return None
    return (
        f"{failures} images failed, more than the {allowed} allowed; {see}, "
        "or raise --max_failures to accept them"
    )


def _books(run: Run, scene: Scene, plan: Plan, failures: Mapping[str, Failure]) -> Books:
    inputs, compared = run.inputs, scene.comparison
    return Books(
        inputs=tally(inputs.values()),
        present=tally(inputs[name] for name in compared.same | compared.relabelled),
        written=tally(inputs[name] for name in scene.work.rows),
        known_failures=tally(plan.known_failures),
        new_failures=tally(inputs[name] for name in failures),
    )


def counts_of(
    books: Books, compared: Comparison, rows: Container[str], prune: bool
) -> dict[str, int]:
    """Images by where they ended: the books' totals and some more.

    Of those present, `relabelled`; of those written, `replaced`; rows that `vanished` from the
    input, and of those `pruned`; inputs that were `hashed` because their signs left doubt.
    """
    return {
        **books.totals(),
        "relabelled": len(compared.relabelled),
        "replaced": sum(name in rows for name in compared.changed),
        "vanished": len(compared.vanished),
        "pruned": len(compared.vanished) if prune else 0,
        "hashed": compared.hashed,
    }


def _check_pruned(run: Run, scene: Scene) -> None:
    vanished = len(scene.comparison.vanished)
    allowed = run.job.max_pruned
    if allowed is None:
        allowed = max(10, len(scene.stored) // 10)
    if run.job.prune and vanished > allowed:
        raise CommitRefusedError(
            f"--prune would remove {vanished} of {len(scene.stored)} images, more than the "
            f"{allowed} allowed; nothing was committed. If {run.job.input} is the right input, "
            "raise --max_pruned"
        )


def _gone(run: Run, scene: Scene, failures: Mapping[str, Failure]) -> frozenset[str]:
    # A changed image whose new bytes could not be read just now keeps its old row until they can.
    passing = frozenset(name for name, failure in failures.items() if not failure.lasting)
    gone = scene.comparison.changed - passing
    return gone | scene.comparison.vanished if run.job.prune else gone


def _placement(run: Run, name: str, row: StoredImage) -> Placement:
    ref = run.inputs.get(name)
    return (row.label, row.split) if ref is None else (ref.label, ref.split)


def _contents(run: Run, scene: Scene, gone: frozenset[str]) -> Iterator[Content]:
    for name, row in scene.stored.items():
        # A row whose image is gone is no second place of one that was moved.
        if name in run.inputs and name not in gone and name not in scene.work.rows:
            label, split = _placement(run, name, row)
            yield name, label, split, row.sha256
    for name, sha256 in scene.work.rows.items():
        yield name, run.inputs[name].label, run.inputs[name].split, sha256


def _commit(run: Run, scene: Scene, gone: frozenset[str], record: Mapping[str, Any]) -> int | None:
    table, stored = scene.table, scene.stored
    version = None if table is None else table.version
    touched = (gone & stored.keys()) | scene.comparison.relabelled
    edited = {stored[name].path: dict[str, Placement]() for name in touched}
    if not scene.work.rows and not edited:
        return version
    for name, row in stored.items():
        if row.path in edited and name not in gone:
            edited[row.path][name] = _placement(run, name, row)

    files = list(scene.work.files)
    for path, keep in [*scene.work.salvage.items(), *sorted(edited.items())]:
        files.extend(_rewritten(run, scene, path, keep))
    shape = scene.feature_shape or files[0].receipt.feature_shape
    state = TableState(run.uri, version, run.contract, shape, scene.keys)
    return commit_change(state, Change(files, sorted(edited), dict(record)))


def _rewritten(
    run: Run, scene: Scene, path: str, keep: Mapping[str, Placement]
) -> list[InspectedFile]:
    storage = open_storage(run.uri)
    age, receipt = oldest_run([path]), read_receipt(storage, path)
    if receipt is not None:
        rewrite = Rewrite(age, run.contract, receipt.feature_shape, receipt.engine)
    else:  # a file that Delta's own compaction wrote is in the table, which knows the shape
        rewrite = Rewrite(age, run.contract, scene.feature_shape, "unknown")
    return [inspect_file(storage, new) for new in rewrite_rows(storage, [path], keep, rewrite)]
