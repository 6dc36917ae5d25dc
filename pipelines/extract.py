"""`python -m pipelines.extract`: bring a feature table up to a folder or manifest of images."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from pipelines.cli import (
    Parser,
    add_json_option,
    positive_real,
    run_command,
    whole_number,
    write_json,
)
from pipelines.commits.report import ExtractReport
from pipelines.driver import extract
from pipelines.errors import UsageError
from pipelines.images.augmentation_options import add_augmentation_options, augmentation_choice
from pipelines.images.layout_options import add_layout_options, layout_of
from pipelines.metrics.outlet import add_metrics_options, outlet_of
from pipelines.planning.also import ALSO, add_also_option, destinations
from pipelines.planning.job import ExtractJob
from pipelines.planning.options import add_feature_options, add_work_options, feature_choice
from pipelines.reports import Report
from pipelines.shards.beam_flags import check_beam_flags
from pipelines.shards.dataflow import check_dataflow, with_dataflow_defaults
from pipelines.shards.flink import check_flink
from pipelines.shards.runner_check import check_runner
from pipelines.shards.spark import check_spark
from pipelines.system.signals import stop_on_signals
from pipelines.table.storage import table_uri

PROG = "python -m pipelines.extract"


Watch = Callable[[ExtractReport], Report | None]
"""Holds the version that a run has made against the one before; None where there is nothing to."""


def main(argv: Sequence[str], prog: str = PROG, watch: Watch | None = None) -> int:
    """Run the command; returns its exit status.

    Args:
        argv: its arguments.
        prog: what it is called.
        watch: what `--watch_drift` asks for; None where there is no such thing.
    """
    return run_command(partial(_extract, make_parser(prog), watch), argv)


def _extract(parser: Parser, watch: Watch | None, argv: Sequence[str]) -> int:
    options, beam_flags = parser.parse_known_args(argv)
    with stop_on_signals():
        report = work(options, beam_flags, watch)
    print(report)
    write_json(options.json, report.as_json())
    return 0


def work(
    options: argparse.Namespace, beam_flags: Sequence[str] = (), watch: Watch | None = None
) -> ExtractReport:
    """Do what the options of `make_parser`, and Beam's, say."""
    if options.watch_drift and watch is None:
        raise UsageError(
            "--watch_drift takes what classifiers has, which this module does not import; run "
            "frozen-features extract instead"
        )
    check_beam_flags(beam_flags, own_options(make_parser()))
    check_runner(beam_flags)
    check_flink(beam_flags)
    check_spark(beam_flags)
    check_dataflow(beam_flags, _places(options))
    beam_flags = with_dataflow_defaults(beam_flags)
    outlet = outlet_of(options, "extract", table_uri(options.table))
    report = extract(make_job(options, beam_flags), outlet)
    if not options.watch_drift or watch is None:
        return report
    also = tuple(replace(each, drift=watch(each)) for each in report.also)
    return replace(report, drift=watch(report), also=also)


def _places(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Where a run reads and writes, each with the option that says so."""
    also = [(ALSO, text.partition("=")[2]) for text in options.also or ()]
    return [("--input", options.input), ("--table", options.table), *also]


def own_options(parser: Parser) -> list[str]:
    """The options that are not Beam's."""
    return [name for action in parser._actions for name in action.option_strings]


def make_parser(prog: str = PROG) -> Parser:
    """The command's options; what it does not know is Beam's."""
    parser = Parser(
        prog=prog,
        description="Extract features of images with a frozen base into a feature table. "
        "Beam's own options (--runner, ...) are taken as well.",
    )
    parser.add_argument("--input", required=True, help="folder or manifest of images")
    parser.add_argument("--table", required=True, help="the feature table; made if not there")
    add_layout_options(parser)
    add_also_option(add_feature_options(parser))
    add_augmentation_options(parser)
    work = parser.add_argument_group("how the work is done")
    add_work_options(work)
    work.add_argument("--price_per_hour", type=positive_real, help="of a worker, for the record")
    stop = work.add_mutually_exclusive_group()
    stop.add_argument(
        "--hours",
        type=positive_real,
        help="stop before the part that would not end in this time; wants --commit_every",
    )
    stop.add_argument(
        "--budget",
        type=positive_real,
        metavar="MONEY",
        help="stop before the part that would cost more; wants --commit_every, --price_per_hour",
    )
    work.add_argument(
        "--max_failures",
        type=whole_number,
        metavar="N",
        help="10 or 1 %% of the images, the larger",
    )
    work.add_argument("--retry_failures", action="store_true", help="try known failures again")
    work.add_argument("--prune", action="store_true", help="remove rows whose image is gone")
    work.add_argument(
        "--max_pruned", type=whole_number, metavar="N", help="10 or 10 %% of the table, the larger"
    )
    work.add_argument(
        "--leakage",
        default="report",
        choices=("report", "error"),
        help="what to do about the same image in two splits or under two labels",
    )
    add_metrics_options(parser)
    work.add_argument(
        "--watch_drift",
        action="store_true",
        help="say whether the images that are new or have changed differ from those before, and "
        "keep that with the table",
    )
    add_json_option(parser)
    return parser


def make_job(options: argparse.Namespace, beam_flags: Sequence[str]) -> ExtractJob:
    """The extraction that the options ask for.

    Raises:
        UsageError: the run is to stop at a part's end, and has no parts, or no price.
    """
    if (options.hours or options.budget) and options.commit_every is None:
        name = "--hours" if options.hours else "--budget"
        raise UsageError(
            f"{name} stops a run at the end of a part; say with --commit_every how many images "
            "a part has"
        )
    if options.budget and options.price_per_hour is None:
        raise UsageError("--budget wants --price_per_hour, what a worker costs")
    features = feature_choice(options)
    return ExtractJob(
        input=options.input,
        input_root=options.input_root,
        layout=layout_of(options),
        table=options.table,
        features=features,
        also=destinations(options, features),
        engine=options.engine,
        batch_size=options.batch_size,
        threads=options.threads,
        shard_rows=options.shard_size,
        commit_every=options.commit_every,
        max_failures=options.max_failures,
        retry_failures=options.retry_failures,
        prune=options.prune,
        max_pruned=options.max_pruned,
        refuse_leakage=options.leakage == "error",
        beam_flags=tuple(beam_flags),
        copies=options.augment,
        augmentation=augmentation_choice(options),
        max_image_bytes=options.max_image_bytes,
        hours=options.hours,
        budget=options.budget,
        price_per_hour=options.price_per_hour,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
