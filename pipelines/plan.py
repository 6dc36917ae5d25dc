"""`python -m pipelines.plan`: what an extraction will take, measured on some of its images."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pipelines.cli import (
    Parser,
    add_json_option,
    log,
    positive_number,
    positive_real,
    run_command,
    write_json,
)
from pipelines.engines.kinds import AUTO, KERAS
from pipelines.errors import UsageError
from pipelines.images.augmentation_options import add_augmentation_options, augmentation_choice
from pipelines.images.layout_options import add_layout_options, layout_of
from pipelines.images.splits import TRAIN
from pipelines.planning.also import ALSO, add_also_option
from pipelines.planning.job import ExtractJob
from pipelines.planning.options import add_feature_options, add_work_options, feature_choice
from pipelines.planning.sizing.forecast import forecast, plan_worker, workers_for
from pipelines.planning.sizing.measuring import measure
from pipelines.planning.sizing.report import NothingToDo, PlanReport
from pipelines.planning.sizing.stand_ins import draw_stand_ins
from pipelines.planning.sizing.survey import survey

PROG = "python -m pipelines.plan"

DEFAULT_SECONDS = 10.0


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_plan, make_parser(prog)), argv)


def _plan(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0


def work(options: argparse.Namespace) -> PlanReport | NothingToDo:
    """Do what the options of `make_parser` say."""
    _check(options)
    with _input(options) as place, _table(options) as table:
        seen = survey(_job(options, place, table), options.images)
        if seen.request is None or seen.sizes is None:
            return NothingToDo(seen.work.listed)
        log(f"{seen.work.images} images and copies; measuring for about {options.seconds:g} s")
        asked = (seen.refs, seen.request, seen.sizes, seen.augmentation)
        measured = measure(*asked, options.seconds, options.max_image_bytes)
    worker = plan_worker(measured, options.cores, options.images_per_second)
    workers = options.workers or 1
    if options.hours is not None:
        workers = workers_for(seen.work, measured, worker, options.hours)
    found = forecast(seen.work, measured, worker, workers)
    return PlanReport(seen, measured, worker, found, options.price_per_hour)


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(
        prog=prog,
        description="Forecast time, memory, disk and requests of an extraction, "
        "measured on some of its images on this machine.",
    )
    parser.add_argument("--input", help="folder or manifest of images")
    parser.add_argument("--table", help="plan only what this table lacks")
    parser.add_argument(
        "--images", type=positive_number, help="plan for so many, --input being some like them"
    )
    parser.add_argument(
        "--image_bytes",
        type=positive_number,
        help="with --images and no --input: bytes of one, to measure on drawn pictures",
    )
    cluster = parser.add_argument_group("the cluster")
    many = cluster.add_mutually_exclusive_group()
    many.add_argument("--workers", type=positive_number, help="that share the work; 1 if not given")
    many.add_argument("--hours", type=positive_real, help="how many workers are done in that time?")
    cluster.add_argument(
        "--cores", type=positive_number, help="of a worker; as measured here if not given"
    )
    cluster.add_argument(
        "--images_per_second",
        type=positive_real,
        help="of the base alone on a worker, measured there (as benchmarks.gpu does); "
        "the rest is measured here",
    )
    cluster.add_argument("--price_per_hour", type=positive_real, help="of a worker")
    add_layout_options(parser)
    add_also_option(add_feature_options(parser))
    add_augmentation_options(parser)
    add_work_options(parser.add_argument_group("how the work is done"))
    parser.add_argument(
        "--seconds", type=positive_real, default=DEFAULT_SECONDS, help="to measure for, about"
    )
    add_json_option(parser)
    return parser


def _check(options: argparse.Namespace) -> None:
    if options.also:
        raise UsageError(
            f"a plan is for one table: leave out {ALSO}, and plan each base by itself; in one run "
            "they take as long together, less what reading and decoding twice would"
        )
    if options.input is None and (options.images is None or options.image_bytes is None):
        raise UsageError("name the images with --input, or say --images and --image_bytes")
    if options.input is not None and options.image_bytes is not None:
        raise UsageError("--image_bytes is for plans without images; --input has the real sizes")
    if options.table is not None and (options.images is not None or options.input is None):
        raise UsageError("--table wants --input alone: what is missing is found, not given")


@contextmanager
def _input(options: argparse.Namespace) -> Iterator[str]:
    if options.input is not None:
        yield options.input
        return
    with tempfile.TemporaryDirectory(prefix="frozen-features-") as folder:
        log("measuring on drawn pictures; photographs, with --input, give a better forecast")
        draw_stand_ins(Path(folder) / TRAIN / "drawn", options.image_bytes)
        yield folder


@contextmanager
def _table(options: argparse.Namespace) -> Iterator[str]:
    if options.table is not None:
        yield options.table
        return
    with tempfile.TemporaryDirectory(prefix="frozen-features-") as folder:
        yield str(Path(folder) / "table")


def _job(options: argparse.Namespace, place: str, table: str) -> ExtractJob:
    elsewhere = options.images_per_second is not None and options.engine == AUTO
    return ExtractJob(
        input=place,
        input_root=options.input_root,
        layout=layout_of(options),
        table=table,
        features=feature_choice(options),
        engine=KERAS if elsewhere else options.engine,  # what runs the base on a card
        batch_size=options.batch_size,
        threads=options.threads,
        shard_rows=options.shard_size,
        commit_every=options.commit_every,
        copies=options.augment,
        augmentation=augmentation_choice(options),
        max_image_bytes=options.max_image_bytes,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
