"""`python -m classifiers.choose`: which base, layer and pooling to take, tried on some images."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from classifiers.choosing.candidates import LAST, Space
from classifiers.choosing.choosing import ChooseJob, choose
from classifiers.choosing.report import CSV_FILE, ChooseReport, Spend
from classifiers.data.memory import default_budget, memory_budget
from classifiers.searching.options import numbers, reals
from pipelines.bases import POOLINGS, PREPROCESSINGS, base_named, parse_weights
from pipelines.cli import (
    Parser,
    add_json_option,
    local_path,
    positive_number,
    positive_real,
    run_command,
    seed_number,
    write_json,
)
from pipelines.contract import COMPUTE_DTYPES
from pipelines.engines.kinds import AUTO, ENGINES
from pipelines.errors import UsageError
from pipelines.images.decode import INTERPOLATIONS, ORIENTATIONS
from pipelines.images.layout_options import add_layout_options, layout_of
from pipelines.images.splits import TRAIN
from pipelines.outputs import require_outside
from pipelines.planning.job import FeatureChoice

PROG = "python -m classifiers.choose"

DEFAULTS = FeatureChoice()
SAMPLE = 500
C = "1e-6:10:8"


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_choose, make_parser(prog)), argv)


def _choose(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--input", required=True, help="folder or manifest of images with labels")
    parser.add_argument("--split", default=TRAIN, help="split that the sample is drawn from")
    parser.add_argument(
        "--sample", type=positive_number, default=SAMPLE, metavar="N", help="images to try on"
    )
    tried = parser.add_argument_group("what is tried, with commas")
    tried.add_argument("--bases", type=_names, default=DEFAULTS.base, help="names of bases")
    tried.add_argument(
        "--layers", type=_names, default=LAST, help=f"layers; {LAST} stands for a base's last"
    )
    tried.add_argument("--poolings", type=_poolings, default="none,avg", help="of none, avg, max")
    tried.add_argument("--image_sizes", type=numbers, help="pixels; each base's own if not given")
    tried.add_argument(
        "--compute_dtypes", type=_dtypes, default="float32", help=", ".join(COMPUTE_DTYPES)
    )
    parser.add_argument(
        "--weights", default="imagenet", help="of all bases: imagenet, random[:SEED], or a file"
    )
    parser.add_argument("--preprocessing", default=DEFAULTS.preprocessing, choices=PREPROCESSINGS)
    parser.add_argument(
        "--interpolation", default=DEFAULTS.interpolation, choices=list(INTERPOLATIONS)
    )
    parser.add_argument("--orientation", default=DEFAULTS.orientation, choices=ORIENTATIONS)
    parser.add_argument("--engine", default=AUTO, choices=ENGINES, help="what runs the bases")
    head = parser.add_argument_group("the linear head")
    head.add_argument("--folds", type=_folds, default=5, metavar="K", help="to score on")
    head.add_argument("--C", type=reals, default=C, help="values, or LEAST:GREATEST:COUNT")
    parser.add_argument("--seed", type=seed_number, default=0, help="of the sample and the folds")
    money = parser.add_argument_group("what the whole would take")
    money.add_argument("--images", type=positive_number, help="that are to be extracted")
    money.add_argument("--price_per_hour", type=positive_real, help="of a machine like this one")
    parser.add_argument(
        "--memory",
        type=memory_budget,
        metavar="SIZE",
        help="most memory for features, such as 8G; half of what the process may use if not given",
    )
    parser.add_argument(
        "--output", type=local_path, metavar="DIR", help="folder for a CSV and a picture"
    )
    add_layout_options(parser)
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> ChooseReport:
    """Do what the options of `make_parser` say."""
    if options.price_per_hour is not None and options.images is None:
        raise UsageError("--price_per_hour wants --images: how many are to be extracted")
    if options.output is not None:
        if options.output.exists() and not options.output.is_dir():
            raise UsageError(f"--output {options.output} is a file, and a folder is needed")
        require_outside(options.output / CSV_FILE, "--output")
    for base in options.bases:
        base_named(base)
    rest = FeatureChoice(
        weights=parse_weights(options.weights),
        interpolation=options.interpolation,
        orientation=options.orientation,
        preprocessing=options.preprocessing,
    )
    space = Space(
        bases=options.bases,
        layers=options.layers,
        poolings=options.poolings,
        image_sizes=options.image_sizes or (),
        compute_dtypes=options.compute_dtypes,
        rest=rest,
    )
    return choose(
        ChooseJob(
            input=options.input,
            input_root=options.input_root,
            layout=layout_of(options),
            split=options.split,
            sample=options.sample,
            space=space,
            folds=options.folds,
            strengths=options.C,
            seed=options.seed,
            engine=options.engine,
            spend=Spend(options.images, options.price_per_hour),
            budget=options.memory or default_budget(),
            output=options.output,
        )
    )


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(each.strip() for each in text.split(",")))
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty name")
    return names


def _of(known: Sequence[str], what: str, text: str) -> tuple[str, ...]:
    names = _names(text)
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"no {what} {name!r}, there are {', '.join(known)}")
    return names


def _poolings(text: str) -> tuple[str, ...]:
    return _of(POOLINGS, "pooling", text)


def _dtypes(text: str) -> tuple[str, ...]:
    return _of(COMPUTE_DTYPES, "dtype", text)


def _folds(text: str) -> int:
    if not text.isdecimal() or not 2 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 2 to 1000")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
