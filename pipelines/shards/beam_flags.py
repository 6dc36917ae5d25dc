"""Beam's own options: unknown ones are refused, some are read or added before Beam sees them."""

import argparse
import contextlib
import difflib
import os
from collections.abc import Sequence

from pipelines.cli import Parser
from pipelines.errors import UsageError
from pipelines.shards.beam import load_beam

LOCAL_RUNNER = "FnApiRunner"
"""Beam's embedded runner. `DirectRunner` would first try to download another one."""

ELSEWHERE = ("--parallelism", "--num_workers", "--max_num_workers")
"""Options by which clusters are told how many workers a job has."""

OF_JOB_SERVERS = ("--execution_mode_for_batch",)
"""Options that Beam's Python hands on to Flink's job server without knowing them."""


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
    for name in OF_JOB_SERVERS:
        parser.add_argument(name)
    _, unknown = parser.parse_known_args(list(flags))
    if not unknown:
        return
    if not unknown[0].startswith("-"):
        raise UsageError(f"unexpected argument {unknown[0]!r} (--help lists the options)")
    beams = [name for action in parser._actions for name in action.option_strings]
    known = [*own_options, *beams]
    meant = difflib.get_close_matches(unknown[0].partition("=")[0], known, n=1, cutoff=0.75)
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
    parser = _parser_of_local_workers()
    options, _ = parser.parse_known_args(list(flags))
    if options.direct_running_mode != "multi_processing":
        return 1
    return options.direct_num_workers or os.cpu_count() or 1


def workers_sharing(flags: Sequence[str]) -> int:
    """Workers that will share a run's shards, as far as Beam's options say; else 1.

    Here that is threads too: each has a shard of its own. On a cluster it is `--parallelism` of
    Flink, and of Dataflow the workers that it may grow to.
    """
    parser = _parser_of_local_workers()
    parser.add_argument("--runner", default=LOCAL_RUNNER)
    for name in ELSEWHERE:
        parser.add_argument(name, type=int, default=1)
    options, _ = parser.parse_known_args(list(flags))
    if not options.runner.endswith((LOCAL_RUNNER, "DirectRunner")):
        said: list[int] = [getattr(options, name.removeprefix("--")) for name in ELSEWHERE]
        return max(1, *said)
    if options.direct_running_mode not in ("multi_processing", "multi_threading"):
        return 1
    return options.direct_num_workers or os.cpu_count() or 1


def _parser_of_local_workers() -> Parser:
    parser = Parser(add_help=False)
    parser.add_argument("--direct_num_workers", type=int, default=1)
    parser.add_argument("--direct_running_mode")
    return parser
