"""Handing shards to a Beam runner and waiting for them."""

import argparse
import contextlib
import difflib
import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.command import Parser
from pipelines.errors import FrozenFeaturesError, UsageError
from pipelines.plan import Plan
from pipelines.progress import ProgressFile, ProgressWatch
from pipelines.shard import ShardJob
from pipelines.stopping import clean_up_when_stopped

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
    _load_beam()
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


def run_shards(plan: Plan, job: ShardJob, beam_flags: Sequence[str]) -> None:
    """Extract a plan's shards on a Beam runner; returns when all are written.

    Raises:
        RunnerError: a shard failed as a whole, or the runner did.
    """
    beam = _load_beam()
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

    from pipelines.transforms import ExtractShards

    # What fails is raised, and told in one line, below; Beam would tell it too, at length.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    options = PipelineOptions(["--default_sdk_harness_log_level=ERROR", *beam_flags])
    runner = options.view_as(StandardOptions).runner or LOCAL_RUNNER
    with _progress(plan, runner) as progress:
        pipeline = beam.Pipeline(runner=runner, options=options)
        _ = pipeline | beam.Create(plan.shards) | ExtractShards(replace(job, progress=progress))
        try:
            state = pipeline.run().wait_until_finish()
        except Exception as error:  # runners wrap what a worker raised, each in its own way
            raise RunnerError(
                f"extraction failed: {_last_line(error)}; finished shards are kept, "
                "the same command goes on from them"
            ) from error
    if state not in ("DONE", None):
        raise RunnerError(f"the runner ended in state {state}; the same command goes on from there")


def _load_beam() -> Any:  # noqa: ANN401 - a module without types
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
def _progress(plan: Plan, runner: str) -> Iterator[ProgressFile | None]:
    if not runner.endswith(LOCAL_RUNNER):
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        file = ProgressFile(str(Path(folder) / "progress"))
        remove = partial(shutil.rmtree, folder, ignore_errors=True)
        with clean_up_when_stopped(remove), ProgressWatch(file, plan.attempted):
            yield file


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("File ", "at ", "["))]
    return (telling or lines or [type(error).__name__])[-1]
