"""What a run is to do, decided on what it saw."""

from dataclasses import dataclass, replace
from math import prod

from pipelines.engines.choosing import choose_engine
from pipelines.engines.half_precision import require_worthwhile
from pipelines.engines.opening import open_engine
from pipelines.engines.race_results import Choice
from pipelines.engines.request import EngineRequest
from pipelines.planning.cutting import Plan, make_plan, rows_of_part, sort_inputs
from pipelines.planning.run import Run, Scene
from pipelines.planning.shard_sizes import ShardSizes, known_rate
from pipelines.planning.usable import failures_of_all
from pipelines.records import ImageRef
from pipelines.shards.beam_flags import workers_sharing
from pipelines.stores.reading import is_size_listed
from pipelines.table.failures import lasting_of, recorded_failures
from pipelines.table.feature_table import FeatureTable


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
    version = 0 if scene.table is None else scene.table.version
    recorded = recorded_failures(run.uri)
    failed = frozenset() if run.job.retry_failures else lasting_of(recorded)
    # A failure that an earlier run already recorded is known; one it had no time to is not.
    found = scene.work.failures.values()
    recent = {f.ref.name for f in found if _stat(f.ref) not in failed}
    finished = frozenset(scene.work.rows) | recent
    present = scene.comparison.same | scene.comparison.relabelled
    todo = sort_inputs(scene.inputs.values(), present, finished, failed)
    if not todo.new:
        return Decision(make_plan(todo, 1), version)
    unusable = failures_of_all(
        todo.new,
        lambda ref: (not ref.bytes and is_size_listed(ref)) or _stat(ref) in recorded,
        run.pixels,
    )
    if unusable:
        plan = make_plan(replace(todo, new=()), 1)
        return Decision(replace(plan, unusable=unusable), version)
    choice, engine = choose_engine(run.job.engine, run.computation, todo.new)
    require_worthwhile(choice, run.job.engine, run.contract, new=scene.table is None)
    sizes = ShardSizes(
        named=run.job.shard_rows,
        feature_length=_feature_length(scene.table, engine),
        batch_size=run.job.batch_size,
        images_per_second=known_rate(scene.table, choice),
    )
    part = rows_of_part(todo.new, run.job.commit_every)
    rows = sizes.rows(part, workers_sharing(run.beam_flags))
    plan = make_plan(todo, rows, run.job.commit_every)
    return Decision(plan, version, choice, engine, sizes)


def _feature_length(table: FeatureTable | None, engine: EngineRequest) -> int:
    return prod(open_engine(engine).feature_shape) if table is None else table.feature_length


def _stat(ref: ImageRef) -> tuple[str, int, int]:
    return ref.image_id, ref.bytes, ref.modified
