"""One extraction from listing to commit, and what there is to say about it afterwards."""

import getpass
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pipelines.cli import log
from pipelines.commits.books import counts_of_run
from pipelines.commits.report import ExtractReport
from pipelines.commits.run_gauges import RunGauges
from pipelines.commits.settlement import Settlement
from pipelines.commits.spending import Allowance, Spending, total
from pipelines.engines.race_results import Choice
from pipelines.engines.request import EngineRequest
from pipelines.engines.second_race import race_again_if_slow
from pipelines.images.at_location import root_of
from pipelines.images.roots import sign_root
from pipelines.metrics.outlet import NOWHERE, Outlet
from pipelines.planning.comparison import replaced_from_elsewhere
from pipelines.planning.cutting import Plan
from pipelines.planning.decision import Decision, decide
from pipelines.planning.job import ExtractJob
from pipelines.planning.run import Run, Scene, prepare_run
from pipelines.records import Shard
from pipelines.shards.beam_flags import workers_sharing
from pipelines.shards.counters import Counted
from pipelines.shards.runner import run_shards
from pipelines.shards.shard import ShardJob
from pipelines.system.cores import usable_cores
from pipelines.system.versions import installed_versions

MEASURED_FROM = 200
"""Images extracted from which a run's rate tells something of the next one's."""

RECORDED_PACKAGES = (
    "frozen-features",
    "tensorflow",
    "keras",
    "openvino",
    "ncnn",
    "onnxruntime",
    "apache-beam",
    "pyarrow",
    "deltalake",
    "pillow",
)


def extract(job: ExtractJob, outlet: Outlet = NOWHERE) -> ExtractReport:
    """Bring a table up to its input: extract what is missing and commit it, at once or in parts.

    Args:
        job: what is wanted.
        outlet: what is told of the run while it is under way, and at its end.

    Raises:
        UsageError: the options, the input or the table do not fit together; nothing was attempted.
        FrozenFeaturesError: the work failed; the table is at its last commit.
        OSError: the table's folder cannot be written.
    """
    gauges = RunGauges(outlet)
    with gauges.of_a_run():
        return _extract(job, gauges)


def _extract(job: ExtractJob, gauges: RunGauges) -> ExtractReport:
    started = time.monotonic()
    run = prepare_run(job)
    scene = run.look()
    decision = decide(run, scene)
    plan, choice, engine = decision.plan, decision.choice, decision.engine
    log(_announcement(scene, plan))
    _warn_of_equal_names(scene)
    short, most = scene.short_of_copies(run.augmentation.split)
    if short:
        log(f"{short} images get fewer copies than others have; --augment {most} makes them alike")
    if choice is not None:
        log(f"{run.contract.base}, weights {run.contract.weights[:12]}; {choice.describe()}")
    del scene  # of millions of images it is gigabytes, and each commit looks anew
    settlement = Settlement(run, decision)
    spending = _spending(run, decision, started)
    counted, stopped = Counted(), False
    commits, parts, failures = [], [], 0
    foreseen: float | None = 0.0
    for number, part in enumerate(plan.parts or ((),)):
        expected = spending.expect(_rows(part))
        foreseen = _sum(foreseen, expected.seconds)
        gauges.part_begins(expected, failures, sum(map(_rows, plan.parts[number:])))
        part_counted, part_seconds = Counted(), 0.0
        if part and engine is not None:
            part_started = time.monotonic()
            part_counted = extract_shards(run, engine, part)
            part_seconds = time.monotonic() - part_started
        counted += part_counted
        parts.append(spending.took(_rows(part), part_seconds, part_counted))
        waiting = [shard for later in plan.parts[number + 1 :] for shard in later]
        record = _record(run, choice, total(parts).extract_seconds, counted)
        record |= {"forecast": asdict(expected), "spent": asdict(parts[-1])}
        settled = settlement.settle(record, waiting)
        commits.append(settled.counts)
        failures = len(settled.failures)
        gauges.committed(settled, total(parts), foreseen, counted.waits, run.uri)
        if choice is not None and part_counted.images >= MEASURED_FROM:
            rest = [ref for shard in waiting for ref in shard.refs]
            rate = part_counted.base_images_per_second
            again = race_again_if_slow(choice, job.engine, run.computation, rate, rest)
            choice, engine = again or (choice, engine)
        if waiting:
            log(f"part {number + 1} of {len(plan.parts)} is version {settled.version}")
            if not spending.allows(_rows(plan.parts[number + 1])):
                settlement.end_early(settled.failures)
                stopped = True
                break
    return ExtractReport(
        run=run.id,
        table=run.uri,
        version=settled.version,
        contract=run.contract,
        engine=None if choice is None else choice.engine,
        waits=counted.waits,
        mean_batch=counted.mean_batch,
        threads=run.computation.threads or usable_cores(),
        attempted=total(parts).images + len(plan.unusable),
        counts=counts_of_run(commits),
        leakage=settled.leakage,
        failures=settled.failures,
        seconds=time.monotonic() - started,
        extract_seconds=total(parts).extract_seconds,
        spent=total(parts),
        stopped=stopped,
        before=decision.version,
    )


def extract_shards(run: Run, engine: EngineRequest, shards: Sequence[Shard]) -> Counted:
    """Extract shards on the runner; returns what the workers counted."""
    run.worked = True
    job = ShardJob(
        run=run.id,
        table=run.uri,
        engine=run.keep_base(engine),
        threads=engine.threads,
        progress=None,
        augmentation=run.augmentation,
        max_image_bytes=run.job.max_image_bytes,
    )
    return run_shards(shards, job, run.beam_flags)


def _spending(run: Run, decision: Decision, started: float) -> Spending:
    job, sizes = run.job, decision.sizes
    return Spending(
        Allowance(job.hours, job.budget, job.price_per_hour),
        workers_sharing(run.beam_flags),
        None if sizes is None else sizes.images_per_second,
        started,
    )


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _rows(part: Sequence[Shard]) -> int:
    return sum(len(shard.refs) for shard in part)


def _announcement(scene: Scene, plan: Plan) -> str:
    compared, copies = scene.comparison, scene.copies
    todo = [
        (plan.attempted - len(plan.unusable), f"to extract in {_cut(plan)}"),
        (len(plan.unusable), "that cannot be used"),
        (len(compared.changed), "changed since they were stored"),
        (len(plan.present), "in the table"),
        (len(compared.relabelled), "under another label or split"),
        (len(plan.finished), "finished by an earlier run"),
        (len(plan.known_failures), "known failures"),
        (len(compared.vanished), "gone from the input"),
        (len(compared.stray), "copies of images that are no longer trained on"),
    ]
    inputs = f"{len(scene.inputs) - copies} images"
    inputs += f" and {copies} copies" if copies else ""
    return f"{inputs}: " + ", ".join(f"{count} {what}" for count, what in todo if count)


def _warn_of_equal_names(scene: Scene) -> None:
    changed = scene.comparison.changed
    moved = replaced_from_elsewhere(changed, scene.inputs, scene.stored)
    if len(moved) > len(changed) / 2:
        then, now = moved[0]
        log(
            f"{len(moved)} of {len(changed)} images that replace others come from another place "
            f"({now}, and before {then}): what has the same name below its root is the same image, "
            "and --id_prefix tells the images of two folders apart"
        )


def _cut(plan: Plan) -> str:
    shards = f"{len(plan.shards)} shards"
    return shards if len(plan.parts) < 2 else f"{shards} and {len(plan.parts)} parts"


def _record(
    run: Run, choice: Choice | None, extract_seconds: float, counted: Counted
) -> dict[str, Any]:
    rate = counted.images_per_second if counted.images >= MEASURED_FROM else None
    return {
        "run": run.id,
        "who": f"{_user()}@{platform.node()}",
        "input": asdict(sign_root(root_of(run.job.input, run.job.input_root))),
        "engine": None if choice is None else choice.engine,
        "choice": None if choice is None else asdict(choice),
        "waits": asdict(counted.waits),
        "contract_id": run.contract.contract_id,
        "extract_seconds": round(extract_seconds, 3),
        "images_per_second": None if rate is None else round(rate, 3),
        "versions": {"python": platform.python_version(), **installed_versions(RECORDED_PACKAGES)},
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number and no name
        return str(os.getuid())
