"""Handing shards to a Beam runner and waiting for them."""

import argparse
import contextlib
import difflib
import logging
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.cli import Parser
from pipelines.errors import FrozenFeaturesError, UsageError
from pipelines.records import Shard
from pipelines.shards import finished_shards as shard_progress
from pipelines.shards.beam import one_line, quiet_runner
from pipelines.shards.counters import Counted, read_counters
from pipelines.shards.finished_shards import FinishedShards
from pipelines.shards.flink import cancel_jobs
from pipelines.shards.progress import BatchesDone, ProgressFile, ProgressWatch
from pipelines.shards.shard import ShardJob
from pipelines.system.signals import cancel_when_stopped, clean_up_when_stopped

LOCAL_RUNNER = "FnApiRunner"
"""Beam's embedded runner. `DirectRunner` would first try to download another one."""


class RunnerError(FrozenFeaturesError):
    """The runner gave up; finished shards keep what they hold."""


def check_beam_flags(flags: Sequence[str], own_options: Sequence[str]) -> None:
    """Refuse options that neither this project nor Beam knows; Beam itself would ignore them.

    Args:
        flags: what is left of the command line; Beam is imported only if that is anything.
        own_options: the command's own options, for a hint at what was meant.

    Raises:
        UsageError: names the option.
    """
    if not flags:
        return
    load_beam()
    from apache_beam.options.pipeline_options import PipelineOptions

    parser = Parser(add_help=False)
    for options in [PipelineOptions, *PipelineOptions.__subclasses__()]:
        with contextlib.suppress(argparse.ArgumentError):  # two classes share some options
            options._add_argparse_args(parser)
    _, unknown = parser.parse_known_args(list(flags))
    if not unknown:
        return
    if not unknown[0].startswith("-"):
        raise UsageError(f"unexpected argument {unknown[0]!r} (--help lists the options)")
    meant = difflib.get_close_matches(unknown[0].partition("=")[0], own_options, n=1, cutoff=0.75)
    hint = f"did you mean {meant[0]}?" if meant else "--help lists ours, Beam's are taken too"
    raise UsageError(f"no option {unknown[0]}; {hint}")


def with_a_worker_a_gpu(flags: Sequence[str], cards: int) -> tuple[str, ...]:
    """Beam's options, with a worker process for each card unless they say something else.

    Args:
        flags: Beam's options as the user gave them.
        cards: graphics cards of this machine; with fewer than two nothing is added.
    """
    told = {flag.partition("=")[0] for flag in flags}
    elsewhere = "--runner" in told and LOCAL_RUNNER not in " ".join(flags)
    if cards < 2 or elsewhere or {"--direct_num_workers", "--direct_running_mode"} & told:
        return tuple(flags)
    return (*flags, f"--direct_num_workers={cards}", "--direct_running_mode=multi_processing")


def workers_here(flags: Sequence[str]) -> int:
    """Worker processes that Beam's embedded runner would start on this machine, by its own options.

    Workers that are threads of one process count as one: they share an engine.
    """
    parser = Parser(add_help=False)
    parser.add_argument("--direct_num_workers", type=int, default=1)
    parser.add_argument("--direct_running_mode")
    options, _ = parser.parse_known_args(list(flags))
    if options.direct_running_mode != "multi_processing":
        return 1
    return options.direct_num_workers or os.cpu_count() or 1


def run_shards(shards: Sequence[Shard], job: ShardJob, beam_flags: Sequence[str]) -> Counted:
    """Extract shards on a Beam runner; returns when all are written.

    Returns:
        What the workers counted.

    Raises:
        RunnerError: a shard failed as a whole, or the runner did.
    """
    beam = load_beam()
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

    from pipelines.shards.transforms import ExtractShards

    ours = ["--default_sdk_harness_log_level=ERROR", f"--job_name={job_name(job.run)}"]
    options = PipelineOptions([*ours, *beam_flags])
    runner = options.view_as(StandardOptions).runner or LOCAL_RUNNER
    with _progress(shards, job, runner) as file:
        pipeline = beam.Pipeline(runner=_own_workers(runner, options), options=options)
        _ = pipeline | beam.Create(shards) | ExtractShards(replace(job, progress=file))
        try:
            with quiet_runner():
                result = pipeline.run()
                with cancel_when_stopped(_cancelling(options, result)):
                    state = result.wait_until_finish()
        except Exception as error:  # runners wrap what a worker raised, each in its own way
            raise RunnerError(
                f"extraction failed: {one_line(error)}; finished shards are kept, "
                "the same command goes on from them"
            ) from error
    if state not in ("DONE", None):
        raise RunnerError(f"the runner ended in state {state}; the same command goes on from there")
    return read_counters(result)


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


def _own_workers(runner: str, options: Any) -> Any:  # noqa: ANN401 - Beam is untyped
    from apache_beam.options.pipeline_options import DirectOptions
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    direct = options.view_as(DirectOptions)
    if not runner.endswith(LOCAL_RUNNER) or direct.direct_running_mode != "multi_processing":
        return runner
    direct.direct_running_mode = "in_memory"  # the mode would bring Beam's own environment
    command = f"{shlex.quote(sys.executable)} -m pipelines.worker"
    return FnApiRunner(SubprocessSDKEnvironment.from_command_string(command))


def load_beam() -> Any:  # noqa: ANN401 - a module without types
    """Import Beam without what it warns of on the way.

    Raises:
        UsageError: it is not installed.
    """
    # While it is imported Beam warns of Google libraries that only its Google parts need.
    logging.disable(logging.WARNING)
    try:
        import apache_beam
    except ImportError as error:
        raise UsageError("Apache Beam is not installed; pip install '.[extract]'") from error
    finally:
        logging.disable(logging.NOTSET)
    return apache_beam


@contextlib.contextmanager
def _progress(shards: Sequence[Shard], job: ShardJob, runner: str) -> Iterator[ProgressFile | None]:
    """Show progress; gives the file that workers on this machine write it to."""
    total = sum(len(shard.refs) for shard in shards)
    if not runner.endswith(LOCAL_RUNNER):
        source = FinishedShards(job.table, job.run, shards)
        with ProgressWatch(source, total, shard_progress.POLL_SECONDS):
            yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        file = ProgressFile(str(Path(folder) / "progress"))
        remove = partial(shutil.rmtree, folder, ignore_errors=True)
        with clean_up_when_stopped(remove), ProgressWatch(BatchesDone(file), total):
            yield file
