"""The end of a run or of a part: the books are balanced, failures recorded, the work committed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.cli import log
from pipelines.commits.agreeing import agreement_of, leakage_agreed
from pipelines.commits.books import Books, counts_of, reconcile, tally
from pipelines.commits.commit import commit
from pipelines.commits.contents import contents_of
from pipelines.commits.leakage import Leakage, find_leakage, refuse_leakage
from pipelines.errors import CommitRefusedError, FrozenFeaturesError
from pipelines.images.inventory import Inventory
from pipelines.images.picked import every, joined, picked, without
from pipelines.planning.cutting import Plan
from pipelines.planning.decision import Decision
from pipelines.planning.run import Run, Scene
from pipelines.records import Failure, Shard, image_of
from pipelines.redaction import redacted
from pipelines.table.agreements import keep_agreement
from pipelines.table.change import TableMovedError
from pipelines.table.deletion import delete_inside
from pipelines.table.failures import record_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.table.stored import StoredImage, StoredRows

COMMIT_ATTEMPTS = 5
"""How often a commit is planned again because another run committed in between."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How a run, or a part of it, ended.

    Attributes:
        version: the table's version; None when there is still no table.
        counts: see `pipelines.commits.counting.counts_of`.
        failures: the run's new ones so far.
        leakage: images that stand in two splits or under two labels.
    """

    version: int | None
    counts: dict[str, int]
    failures: tuple[Failure, ...]
    leakage: Leakage


class Settlement:
    """Commits the parts of one run; remembers what later parts can no longer see."""

    def __init__(self, run: Run, decision: Decision) -> None:
        """Settle what a run set out to do."""
        self._run, self._plan = run, decision.plan
        self._known = frozenset(ref.name for ref in self._plan.known_failures)
        # By name. Receipts go out of sight when their files are committed, or were waste.
        self._failures = {failure.ref.name: failure for failure in self._plan.unusable}
        self._recorded = self._committed = False
        # What was in any version stays on the disk for those who read that version.
        self._in_versions: set[str] = set()
        self._seen = decision.version

    def settle(self, record: Mapping[str, Any], waiting: Sequence[Shard] = ()) -> Settled:
        """Balance the books, record failures and commit what is finished, in one transaction.

        Args:
            record: what the commit shall say of the run, besides the counts.
            waiting: shards of parts that are still to come.

        Raises:
            CommitRefusedError: the books do not balance, too many images failed, or images leak
                and the user wants none to; failures are recorded all the same.
        """
        run, plan = self._run, self._plan
        for _ in range(COMMIT_ATTEMPTS):
            scene = run.look()
            self._see_versions(scene)
            new = self._new_failures(scene)
            failures = _by_image(new)
            refusal = _too_many_failures(run, scene, failures, plan, waiting)
            books = _books(scene, plan, new, waiting)
            gone = _gone(run, scene, new, waiting)
            leakage = _leakage(scene, gone)
            refusal = refusal or _why_not(run, scene, books, leakage)
            if refusal is not None or not waiting:
                self._record(failures, known=refusal is None)
            if refusal is not None:
                raise self._refused(refusal)
            prunes = run.job.prune and not waiting
            try:
                compared, rows = scene.comparison, scene.work.rows
                counts = counts_of(books, compared, rows, prunes, scene.copies)
                version = commit(run, scene, gone, {**record, "counts": counts})
            except TableMovedError:
                del scene  # before there is another: it may be gigabytes
                continue
            if not waiting:
                _agree(run, scene, version, leakage)
            self._committed = True
            self._in_versions.update(file.path for file in scene.work.files)
            for path in set(scene.work.waste) - self._in_versions:
                delete_inside(run.uri, path)
            return Settled(version, counts, failures, leakage)
        raise CommitRefusedError(
            f"{COMMIT_ATTEMPTS} times another run committed to {run.uri} first; "
            "run the same command again, finished work is kept"
        )

    def end_early(self, failures: Sequence[Failure]) -> None:
        """Record the failures of a run that ends with the part just settled, before its last."""
        self._record(failures, known=True)

    def _see_versions(self, scene: Scene) -> None:
        if scene.table is None:
            return
        for version in range(self._seen + 1, scene.table.version):
            self._in_versions.update(FeatureTable.open(self._run.uri, version).paths)
        self._in_versions.update(scene.table.paths)
        self._seen = scene.table.version

    def _new_failures(self, scene: Scene) -> dict[str, Failure]:
        self._failures.update(scene.work.failures)
        lacking, had = scene.comparison.new | scene.comparison.changed, scene.work.rows
        return {
            name: each
            for name, each in self._failures.items()
            if name not in had and name not in self._known and name in lacking
        }

    def _record(self, failures: Sequence[Failure], known: bool) -> None:
        # At the end and not with each part: a refused run's failures stay new, or its rerun would
        # pass where it did not.
        if not self._recorded:
            record_failures(self._run.uri, failures, self._run.id, known=known)
            self._recorded = True

    def _refused(self, why: str) -> CommitRefusedError:
        if self._committed:
            why = why.replace("nothing was committed", "nothing more was committed")
        return CommitRefusedError(why)


def _leakage(scene: Scene, gone: frozenset[str]) -> Leakage:
    if scene.agreement is not None and isinstance(scene.inputs, Inventory):
        return leakage_agreed(scene.inputs, scene.agreement)
    return find_leakage(contents_of(scene, gone))


def _agree(run: Run, scene: Scene, version: int | None, leakage: Leakage) -> None:
    """Keep what a run leaves for the next one to recall; what hinders it is told and no more."""
    if scene.agreement is not None or run.inputs_hash is None or version is None:
        return
    try:
        table = scene.table
        if table is None or table.version != version:
            table = FeatureTable.open(run.uri, version)
        agreement = agreement_of(scene, table, leakage, run.inputs_hash)
        if agreement is not None:
            keep_agreement(run.uri, agreement)
    except (FrozenFeaturesError, OSError) as error:
        log(f"the next run compares again, since what this one found cannot be kept: {error}")


def _by_image(failures: Mapping[str, Failure]) -> tuple[Failure, ...]:
    """One failure an image: its copies fail with it."""
    first: dict[str, Failure] = {}
    for name in sorted(failures):
        first.setdefault(image_of(name), failures[name])
    return tuple(first.values())


def _too_many_failures(
    run: Run, scene: Scene, failed: Sequence[Failure], plan: Plan, waiting: Sequence[Shard]
) -> str | None:
    failures = len(failed)
    see = f"nothing was committed, see them with pipelines.describe --table {run.job.table}"
    if failures and not (scene.stored or scene.work.rows or waiting):
        one = f"{failed[0].ref.image_id!r} for one: {redacted(failed[0].message)}"
        return f"none of the {failures} images attempted can be used, {one}; {see}"
    allowed = run.job.max_failures
    if allowed is None:
        allowed = 10 if failures <= 10 else max(10, plan.images() // 100)
    if failures <= allowed:
        return None
    return (
        f"{failures} images failed, more than the {allowed} allowed; {see}, "
        "or raise --max_failures to accept them"
    )


def _why_not(run: Run, scene: Scene, books: Books, leakage: Leakage) -> str | None:
    try:
        reconcile(books)
        _check_pruned(run, scene)
        if run.job.refuse_leakage:
            refuse_leakage(leakage)
    except CommitRefusedError as error:
        return str(error)
    return None


def _books(
    scene: Scene,
    plan: Plan,
    failures: Mapping[str, Failure],
    waiting: Sequence[Shard],
) -> Books:
    inputs, compared = scene.inputs, scene.comparison
    present = compared.same | compared.relabelled
    # Another run may have been quicker with what is still to come.
    done = present | scene.work.rows.keys() | failures.keys()
    return Books(
        inputs=tally(every(inputs)),
        present=tally(picked(inputs, present)),
        written=tally(picked(inputs, scene.work.rows.keys())),
        known_failures=tally(without(plan.known_failures, done)),
        new_failures=tally(picked(inputs, failures.keys())),
        waiting=tally(without(joined([shard.refs for shard in waiting]), done)),
    )


def _check_pruned(run: Run, scene: Scene) -> None:
    if not run.job.prune:
        return
    vanished = len({image_of(name) for name in scene.comparison.vanished})
    images = _images(scene.stored)
    allowed = run.job.max_pruned
    if allowed is None:
        allowed = max(10, images // 10)
    if vanished > allowed:
        raise CommitRefusedError(
            f"--prune would remove {vanished} of {images} images, more than the "
            f"{allowed} allowed; nothing was committed. If {run.job.input} is the right input, "
            "raise --max_pruned"
        )


def _images(stored: Mapping[str, StoredImage]) -> int:
    if isinstance(stored, StoredRows):
        return len(stored)
    return len({image_of(name) for name in stored})


def _gone(
    run: Run, scene: Scene, failures: Mapping[str, Failure], waiting: Sequence[Shard]
) -> frozenset[str]:
    # A changed image whose new bytes could not be read just now keeps its old row until they can,
    # and so does one whose turn is still to come.
    passing = frozenset(name for name, failure in failures.items() if not failure.lasting)
    changed = scene.comparison.changed - passing
    if changed:
        waits = (ref.name for shard in waiting for ref in shard.refs)
        changed -= {name for name in waits if name in changed and name not in scene.work.rows}
    gone = changed | scene.comparison.stray
    # Pruned with the last part: what vanished may be what comes back under another name.
    return gone | scene.comparison.vanished if run.job.prune and not waiting else gone
