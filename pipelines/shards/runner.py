"""Handing shards to a Beam runner and waiting for them."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.errors import FrozenFeaturesError
from pipelines.records import Shard
from pipelines.shards import finished_shards as shard_progress
from pipelines.shards.beam import load_beam, one_line, outside_notebooks, quiet_runner
from pipelines.shards.beam_flags import LOCAL_RUNNER
from pipelines.shards.counters import Counted, read_counters
from pipelines.shards.finished_shards import FinishedShards
from pipelines.shards.flink import cancel_jobs
from pipelines.shards.progress import BatchesDone, ProgressFile, ProgressWatch
from pipelines.shards.shard import ShardJob
from pipelines.system.signals import cancel_when_stopped, clean_up_when_stopped


class RunnerError(FrozenFeaturesError):
    """The runner gave up; finished shards keep what they hold."""


def run_shards(
    shards: Sequence[Shard], job: ShardJob, beam_flags: Sequence[str]
) -> Mapping[int, Counted]:
    """Extract shards on a Beam runner; returns when all are written.

    Returns:
        What the workers counted, by the places of the job's targets.

    Raises:
        RunnerError: a shard failed as a whole, or the runner did.
    """
    beam = load_beam()
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

    from pipelines.shards.transforms import ExtractShards
    from pipelines.shards.workers import crew_of_a_run

    ours = [
        "--default_sdk_harness_log_level=ERROR",
        f"--job_name={job_name(min(each.run for each in job.targets.values()))}",
    ]
    options = PipelineOptions([*ours, *beam_flags])
    runner = options.view_as(StandardOptions).runner or LOCAL_RUNNER
    with (
        outside_notebooks(),
        _progress(shards, job, runner) as file,
        crew_of_a_run() as (crew, environment),
    ):
        pipeline = beam.Pipeline(_own_workers(runner, options, environment), options)
        _ = (
            pipeline
            | beam.Create(shards, reshuffle=False)
            | ExtractShards(replace(job, progress=file))
        )
        try:
            with quiet_runner():
                result = pipeline.run()
                with cancel_when_stopped(_cancelling(options, result)):
                    state = result.wait_until_finish()
        except Exception as error:  # runners wrap what a worker raised, each in its own way
            raise RunnerError(
                f"extraction failed: {one_line(crew.error or error)}; finished shards are kept, "
                "the same command goes on from them"
            ) from error
    if state not in ("DONE", None):
        raise RunnerError(f"the runner ended in state {state}; the same command goes on from there")
    return {table: read_counters(result, table) for table in job.targets}


def _cancelling(options: Any, result: Any) -> Callable[[], object]:  # noqa: ANN401
    """What calls the job off, wherever it runs."""
    from apache_beam.options.pipeline_options import (
        FlinkRunnerOptions,
        GoogleCloudOptions,
        StandardOptions,
    )

    master = options.view_as(FlinkRunnerOptions).flink_master
    if (options.view_as(StandardOptions).runner or "").endswith(
        "FlinkRunner"
    ) and "[" not in master:
        return partial(cancel_jobs, master, options.view_as(GoogleCloudOptions).job_name)
    cancel: Callable[[], object] = result.cancel
    return cancel


def job_name(run: str) -> str:
    """What a cluster's own display calls a run's job, if the user does not name it."""
    return f"frozen-features-{run.lower()}"  # Dataflow takes no capital letters


def _own_workers(runner: str, options: Any, environment: Any) -> Any:  # noqa: ANN401 - untyped
    from apache_beam.options.pipeline_options import DirectOptions
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    direct = options.view_as(DirectOptions)
    here = runner.endswith((LOCAL_RUNNER, "DirectRunner"))
    if not here or direct.direct_running_mode != "multi_processing":
        return runner
    direct.direct_running_mode = "in_memory"  # the mode would bring Beam's own environment
    return FnApiRunner(environment)


@contextlib.contextmanager
def _progress(shards: Sequence[Shard], job: ShardJob, runner: str) -> Iterator[ProgressFile | None]:
    """Show progress; gives the file that workers on this machine write it to."""
    total = sum(len(shard.refs) for shard in shards)
    if not runner.endswith(LOCAL_RUNNER):
        source = FinishedShards(job.targets, shards)
        with ProgressWatch(source, total, shard_progress.POLL_SECONDS):
            yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        file = ProgressFile(str(Path(folder) / "progress"))
        remove = partial(shutil.rmtree, folder, ignore_errors=True)
        with clean_up_when_stopped(remove), ProgressWatch(BatchesDone(file), total):
            yield file
