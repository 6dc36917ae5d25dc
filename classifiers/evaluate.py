"""`python -m classifiers.evaluate`: measure a trained model on a split of a table, or of images."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from classifiers.models.comparing import CompareReport, compared
from classifiers.models.measured_pictures import check_pictures, draw_measured
from classifiers.models.measuring import on_images, on_table
from classifiers.models.opening import ModelOrFolder, name_of
from classifiers.models.reports import EvaluateReport
from classifiers.models.sources import refuse
from pipelines.cli import Parser, add_json_option, local_path, run_command, whole_number, write_json
from pipelines.images.layout_options import add_layout_options, layout_given, layout_of
from pipelines.images.splits import TEST

PROG = "python -m classifiers.evaluate"


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_evaluate, make_parser(prog)), argv)


def _evaluate(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--table", help="the feature table, for a head on features")
    what.add_argument("--input", help="a folder or manifest of images")
    parser.add_argument("--table_version", type=whole_number, help="with --table: an older version")
    parser.add_argument(
        "--weights",
        help="with --input, of the base under a head on features: imagenet (if not given), "
        "random[:SEED], or a file",
    )
    parser.add_argument(
        "--model",
        type=local_path,
        required=True,
        metavar="DIR",
        help="what classifiers.train wrote",
    )
    parser.add_argument(
        "--compare",
        type=local_path,
        nargs="+",
        metavar="DIR",
        help="other models, to be held against it on the same images",
    )
    parser.add_argument("--split", default=TEST, help="split to measure on")
    parser.add_argument(
        "--pictures",
        type=local_path,
        metavar="DIR",
        help="a folder for pictures: ROC and PR curves, reliability, scores, confusion",
    )
    add_layout_options(parser, "with --input")
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> EvaluateReport | CompareReport:
    """Do what the options of `make_parser` say."""
    if options.compare:
        refuse({"pictures": options.pictures}, "--compare")
        return compare(options, [options.model, *options.compare])
    return measured(options, options.model)


def compare(options: argparse.Namespace, models: Sequence[ModelOrFolder]) -> CompareReport:
    """Hold models against the first of them, on the images that the options name."""
    reports = [measured(options, model) for model in models]
    return compared([name_of(model) for model in models], reports)


def measured(options: argparse.Namespace, model: ModelOrFolder) -> EvaluateReport:
    """Measure a model on the images that the options name, and draw it where they say."""
    if options.pictures is not None:
        check_pictures(options.pictures)
    report = _measured(options, model)
    if options.pictures is None:
        return report
    made = draw_measured(options.pictures, report.measured, report.head, report.split)
    return replace(report, pictures=tuple(made))


def _measured(options: argparse.Namespace, model: ModelOrFolder) -> EvaluateReport:
    if options.input is None:
        refuse({"weights": options.weights, **layout_given(options)}, "--table")
        return on_table(model, options.table, options.split, options.table_version)
    refuse({"table_version": options.table_version}, "--input")
    return on_images(
        model,
        options.input,
        options.split,
        options.input_root,
        layout_of(options),
        options.weights,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
