"""One extraction from listing to commit, into one table or several."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

from pipelines.cli import log
from pipelines.commits.report import ExtractReport
from pipelines.commits.run_gauges import RunGauges
from pipelines.commits.spending import Allowance, Spending, shares_of
from pipelines.commits.table_run import TableRun
from pipelines.engines.opening import open_engine
from pipelines.errors import BaseFileError, EngineError, FrozenFeaturesError
from pipelines.metrics.outlet import NOWHERE, Outlet
from pipelines.planning.announcement import Announcement, announce
from pipelines.planning.decision import Decision, Todo, decide_together, find_todo
from pipelines.planning.job import ExtractJob
from pipelines.planning.preparing import naming, prepare_runs
from pipelines.planning.run import Run
from pipelines.records import Shard
from pipelines.redaction import redacted
from pipelines.shards.beam_flags import workers_sharing
from pipelines.shards.counters import Counted
from pipelines.shards.runner import run_shards
from pipelines.shards.shard import ShardJob, Target, passes_of
from pipelines.table.storage import table_uri


def extract(job: ExtractJob, outlet: Outlet = NOWHERE) -> ExtractReport:
    """Bring a table up to its input: extract what is missing and commit it, at once or in parts.

    Further tables of the job are brought up in the same run. They share the listing, the shards,
    and the images that are read and decoded for them; each has a contract, files and commits of
    its own.

    Args:
        job: what is wanted.
        outlet: what is told of the run while it is under way, and at its end.

    Returns:
        The report of the job's first table, with those of the others in `also`.

    Raises:
        UsageError: the options, the input or the tables do not fit together; nothing was attempted.
        FrozenFeaturesError: the work failed; each table is at its last commit.
        OSError: a table's folder cannot be written.
    """
    outlets = [outlet, *(_outlet_of(outlet, to.table) for to in job.also)]
    gauges = [RunGauges(each) for each in outlets]
    with ExitStack() as runs:
        for each in gauges:
            runs.enter_context(each.of_a_run())
        return _extract(job, gauges)


def _outlet_of(outlet: Outlet, table: str) -> Outlet:
    return replace(outlet, table=redacted(table_uri(table)))


def _extract(job: ExtractJob, gauges: Sequence[RunGauges]) -> ExtractReport:
    started = time.monotonic()
    runs = prepare_runs(job)
    todos, announcements = zip(*(_look(run, len(runs) > 1) for run in runs), strict=True)
    parts, decisions = decide_together(runs, todos)
    tables = []
    for run, decision, said, told in zip(runs, decisions, announcements, gauges, strict=True):
        spending = _spending(run, decision, started)
        table = TableRun(run, decision, spending, told, f"{run.uri}: " if job.also else "")
        table.say(said)
        tables.append(table)
    for number, part in enumerate(parts or [()]):
        for table in tables:
            table.begin(number)
        part_started = time.monotonic()
        counted = extract_shards(tables, part) if part else {}
        seconds = time.monotonic() - part_started if part else 0.0
        for place, share in enumerate(shares_of(counted, len(tables))):
            tables[place].took(number, seconds, counted.get(place, Counted()), share)
        _settle(tables, number)
        for place, table in enumerate(tables):
            table.race_again_if_slow(number, counted.get(place, Counted()))
        if number + 1 < len(parts):
            expected = sum(table.expect(number + 1).seconds or 0.0 for table in tables)
            if not tables[0].allows(expected):
                for table in tables:
                    table.stop(number)
                break
    seconds = time.monotonic() - started
    first, *others = [table.report(seconds) for table in tables]
    return replace(first, also=tuple(others))


def _look(run: Run, one_of_several: bool) -> tuple[Todo, Announcement]:
    with naming(run.job.table, one_of_several):
        scene = run.look()  # of millions of images it is gigabytes, and each commit looks anew
        todo = find_todo(run, scene)
    return todo, announce(run, scene, todo.inputs)


def extract_shards(tables: Sequence[TableRun], shards: Sequence[Shard]) -> Mapping[int, Counted]:
    """Extract shards on the runner.

    Returns:
        What the workers counted, by the places of the tables that the shards are for.
    """
    targets = {}
    for place in sorted({place for shard in shards for place in shard.tables}):
        run, engine = tables[place].run, tables[place].decision.engine
        if engine is None:
            raise ValueError(f"a shard is for {run.uri}, which no engine was chosen for")
        run.worked = True
        shape = open_engine(engine).feature_shape
        targets[place] = Target(run.id, run.uri, run.keep_base(engine), shape, run.augmentation)
    run = tables[0].run
    job = ShardJob(targets, run.computation.threads, None, run.job.max_image_bytes)
    return run_shards(shards, _in_passes(job, shards), run.beam_flags)


def _in_passes(job: ShardJob, shards: Sequence[Shard]) -> ShardJob:
    """Let layers of one base share its passes if their engine does that."""
    try:
        for shard in {each.tables: each for each in shards}.values():
            for each in passes_of(shard, job):
                open_engine(each.engine)
    except (EngineError, BaseFileError) as error:
        if len(job.targets) == 1:
            raise
        log(f"each layer has a pass of its own: {error}")
        return replace(job, one_pass=False)
    return job


def _settle(tables: Sequence[TableRun], part: int) -> None:
    """Commit a part to each table; what one of them refuses is the end of the run for all."""
    refused: list[FrozenFeaturesError | OSError] = []
    settled = []
    for table in tables:
        try:
            table.settle(part)
            settled.append(table)
        except (FrozenFeaturesError, OSError) as error:
            refused.append(error)
    if refused:
        for table in settled:
            table.stop(part)
        for other in refused[1:]:
            log(str(other))
        raise refused[0]


def _spending(run: Run, decision: Decision, started: float) -> Spending:
    job, sizes = run.job, decision.sizes
    return Spending(
        Allowance(job.hours, job.budget, job.price_per_hour),
        workers_sharing(run.beam_flags),
        None if sizes is None else sizes.images_per_second,
        started,
    )
