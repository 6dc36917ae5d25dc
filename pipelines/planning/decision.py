"""What a run is to do, decided on what it saw."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from pipelines.engines.choosing import choose_engine
from pipelines.engines.half_precision import require_worthwhile
from pipelines.engines.opening import open_engine
from pipelines.engines.race_results import Choice
from pipelines.engines.request import EngineRequest
from pipelines.planning.cutting import Plan, Sorted, plan_of, rows_of_part, sort_inputs
from pipelines.planning.run import Run, Scene
from pipelines.planning.shard_sizes import ShardSizes, known_rate
from pipelines.planning.sharing import share_work
from pipelines.planning.usable import failures_of_all
from pipelines.records import Failure, ImageRef, Shard
from pipelines.shards.beam_flags import workers_sharing
from pipelines.stores.reading import is_size_listed
from pipelines.table.failures import lasting_of, recorded_failures
from pipelines.table.feature_table import FeatureTable


@dataclass(frozen=True, slots=True)
class Todo:
    """What one table lacks, and by which engine it is to be extracted.

    Attributes:
        inputs: by what is to become of them.
        version: of the table it was found in; 0 while there is none.
        unusable: why the inputs that are to be extracted cannot be, if that holds for all of them.
        choice: the engine and why it is that one; None when nothing is to be extracted.
        engine: the same for whoever opens it.
        sizes: what decides how large shards are; None when there are none.
    """

    inputs: Sorted
    version: int
    unusable: tuple[Failure, ...] = ()
    choice: Choice | None = None
    engine: EngineRequest | None = None
    sizes: ShardSizes | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a run is to do, decided on what it saw.

    Attributes:
        plan: what is to be extracted, in shards.
        version: of the table it was decided on; 0 while there is none.
        choice: the engine and why it is that one; None when nothing is to be extracted.
        engine: the same for whoever opens it.
        sizes: what decided how large shards are; None when there are none.
    """

    plan: Plan
    version: int
    choice: Choice | None = None
    engine: EngineRequest | None = None
    sizes: ShardSizes | None = None


def decide(run: Run, scene: Scene) -> Decision:
    """Decide what is to be extracted, and by which engine if anything can be."""
    _, (decision,) = decide_together([run], [find_todo(run, scene)])
    return decision


def decide_together(
    runs: Sequence[Run], todos: Sequence[Todo]
) -> tuple[list[tuple[Shard, ...]], list[Decision]]:
    """Decide what runs that share their work are to do.

    Their plans have the same parts, and share the shards that several of them want.

    Args:
        runs: of one input into several tables.
        todos: what each lacks.

    Returns:
        The shards of each part, and what each run makes of them.
    """
    job = runs[0].job
    workers = workers_sharing(runs[0].beam_flags)
    rows = [
        todo.sizes.rows(rows_of_part(todo.inputs.new, job.commit_every), workers)
        for todo in todos
        if todo.sizes is not None
    ]
    parts = share_work([todo.inputs.new for todo in todos], min(rows, default=1), job.commit_every)
    decisions = []
    for table, todo in enumerate(todos):
        own = [tuple(shard for shard in part if table in shard.tables) for part in parts]
        plan = replace(plan_of(todo.inputs, own), unusable=todo.unusable)
        decisions.append(Decision(plan, todo.version, todo.choice, todo.engine, todo.sizes))
    return parts, decisions


def find_todo(run: Run, scene: Scene) -> Todo:
    """Find what a table lacks, whether any of it can be extracted, and by which engine."""
    version = 0 if scene.table is None else scene.table.version
    recorded = recorded_failures(run.uri)
    failed = frozenset() if run.job.retry_failures else lasting_of(recorded)
    # A failure that an earlier run already recorded is known; one it had no time to is not.
    found = scene.work.failures.values()
    recent = {f.ref.name for f in found if _stat(f.ref) not in failed}
    finished = frozenset(scene.work.rows) | recent
    present = scene.comparison.same | scene.comparison.relabelled
    inputs = sort_inputs(scene.inputs, present, finished, failed)
    if not inputs.new:
        return Todo(inputs, version)
    unusable = failures_of_all(
        inputs.new,
        lambda ref: (not ref.bytes and is_size_listed(ref)) or _stat(ref) in recorded,
        run.pixels,
    )
    if unusable:
        return Todo(replace(inputs, new=()), version, unusable)
    choice, engine = choose_engine(run.job.engine, run.computation, inputs.new)
    require_worthwhile(choice, run.job.engine, run.contract, new=scene.table is None)
    sizes = ShardSizes(
        named=run.job.shard_rows,
        feature_length=_feature_length(scene.table, engine),
        batch_size=run.job.batch_size,
        images_per_second=known_rate(scene.table, choice),
    )
    return Todo(inputs, version, (), choice, engine, sizes)


def _feature_length(table: FeatureTable | None, engine: EngineRequest) -> int:
    return prod(open_engine(engine).feature_shape) if table is None else table.feature_length


def _stat(ref: ImageRef) -> tuple[str, int, int]:
    return ref.image_id, ref.bytes, ref.modified
