"""`python -m classifiers.export`: base and head in one file, for those without this project."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from classifiers.exporting.exporting import Export, check_output, export
from classifiers.exporting.formats import FORMATS
from classifiers.exporting.report import ExportReport
from classifiers.models.opening import ModelOrFolder, found
from classifiers.models.versions.names import NAME_HELP, model_name
from pipelines.cli import Parser, add_json_option, local_path, run_command, write_json

PROG = "python -m classifiers.export"


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_export, make_parser(prog)), argv)


def _export(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options, found(options.model))
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
    parser.add_argument("--format", choices=list(FORMATS), required=True, help="what to write")
    suffixes = ", ".join(each.suffix for each in FORMATS.values())
    parser.add_argument(
        "--output", type=local_path, required=True, metavar="FILE", help=f"it ends in {suffixes}"
    )
    parser.add_argument(
        "--weights",
        help="of the base under a head on features: imagenet (if not given), random[:SEED], or a "
        "file",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace, model: ModelOrFolder) -> ExportReport:
    """Do what the options of `make_parser` say, to a model or its folder."""
    asked = Export(options.format, options.output, options.weights)
    check_output(asked, overwrite=options.overwrite)
    return export(model, asked)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
