"""`python -m classifiers.evaluate`: measure a trained model on a split of a table, or of images."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from classifiers.models.comparing import CompareReport, compared
from classifiers.models.measured_pictures import check_pictures, draw_measured
from classifiers.models.measuring_options import add_measuring_options
from classifiers.models.measuring_options import measured as measured_on
from classifiers.models.opening import ModelOrFolder, found, gives_several, name_of
from classifiers.models.reports import EvaluateReport
from classifiers.models.several.measuring import several_measured
from classifiers.models.several.reports import SeveralEvaluateReport
from classifiers.models.sources import refuse
from classifiers.models.versions.names import NAME_HELP, model_name
from pipelines.cli import Parser, add_json_option, local_path, run_command, write_json

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
    parser.add_argument(
        "--model",
        type=model_name,
        required=True,
        metavar="NAME",
        help=NAME_HELP,
    )
    parser.add_argument(
        "--compare",
        type=model_name,
        nargs="+",
        metavar="NAME",
        help="other models, to be held against it on the same images",
    )
    parser.add_argument(
        "--pictures",
        type=local_path,
        metavar="DIR",
        help="a folder for pictures: ROC and PR curves, reliability, scores, confusion",
    )
    add_measuring_options(parser, required=True)
    add_json_option(parser)
    return parser


def work(
    options: argparse.Namespace,
) -> EvaluateReport | SeveralEvaluateReport | CompareReport:
    """Do what the options of `make_parser` say."""
    if options.compare:
        refuse({"pictures": options.pictures}, "--compare")
        return compare(options, [found(each) for each in (options.model, *options.compare)])
    return either_measured(options, found(options.model))


def either_measured(
    options: argparse.Namespace, model: ModelOrFolder
) -> EvaluateReport | SeveralEvaluateReport:
    """Measure a model on the images that the options name, by what it says of an image."""
    return several_measured(options, model) if gives_several(model) else measured(options, model)


def compare(options: argparse.Namespace, models: Sequence[ModelOrFolder]) -> CompareReport:
    """Hold models against the first of them, on the images that the options name."""
    reports = [measured(options, model) for model in models]
    return compared([name_of(model) for model in models], reports)


def measured(options: argparse.Namespace, model: ModelOrFolder) -> EvaluateReport:
    """Measure a model that tells classes apart, and draw it where the options say."""
    if options.pictures is not None:
        check_pictures(options.pictures)
    report = measured_on(options, model)
    if options.pictures is None:
        return report
    made = draw_measured(options.pictures, report.measured, report.head, report.split)
    return replace(report, pictures=tuple(made))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
