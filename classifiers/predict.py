"""`python -m classifiers.predict`: classes of images, from stored features or from the images."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from classifiers.models.columns import add_column_options, columns_of
from classifiers.models.measuring_options import add_also_table
from classifiers.models.opening import any_card_of, found
from classifiers.models.prediction_files import check_output, prediction_file
from classifiers.models.reports import PredictReport
from classifiers.models.sources import (
    from_images,
    from_table,
    make_predictions,
    refuse,
)
from classifiers.models.versions.names import NAME_HELP, model_name
from pipelines.cli import (
    Parser,
    add_json_option,
    run_command,
    whole_number,
    write_json,
)
from pipelines.images.layout_options import add_layout_options, layout_given, layout_of
from pipelines.images.listing import list_or_name

PROG = "python -m classifiers.predict"


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_predict, make_parser(prog)), argv)


def _predict(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0 if report.predicted or not report.failed else 1


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
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--table", help="a feature table")
    what.add_argument(
        "--input", help="a folder or manifest of images, an image, or a pattern, as '*.jpg'"
    )
    add_also_table(parser)
    parser.add_argument("--split", help="with --table: this split only")
    parser.add_argument("--table_version", type=whole_number, help="with --table: an older version")
    parser.add_argument(
        "--weights", help="with --input: imagenet (if not given), random[:SEED], or a file"
    )
    parser.add_argument(
        "--output",
        type=prediction_file,
        required=True,
        metavar="FILE.parquet",
        help="a local file, or one at s3:// or gs://",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    add_layout_options(parser, "with --input")
    add_column_options(parser)
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> PredictReport:
    """Do what the options of `make_parser` say."""
    if options.table is not None:
        refuse({"weights": options.weights, **layout_given(options)}, "--table")
    else:
        names = ("split", "table_version", "also_table")
        refuse({name: getattr(options, name) for name in names}, "--input")
    output = check_output(options.output, overwrite=options.overwrite)
    model = found(options.model)
    any_card_of(model)
    columns = columns_of(options)
    if options.table is not None:
        version, also = options.table_version, options.also_table or ()
        wanted = from_table(model, options.table, options.split, version, columns, also)
    else:
        refs = list_or_name(options.input, options.input_root, layout_of(options))
        wanted = from_images(model, refs, options.weights, columns)
    return make_predictions(wanted, output)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
