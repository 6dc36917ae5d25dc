"""`python -m classifiers.neighbours`: the stored images that are nearest to an image."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from classifiers.data.memory import default_budget, memory_budget
from classifiers.models.prediction_files import check_output
from classifiers.models.sources import refuse
from classifiers.nearest.current import read_indexed
from classifiers.nearest.page import uris_shown, write_page
from classifiers.nearest.report import NeighboursReport, write_rows
from classifiers.nearest.search import of_images, of_stored
from classifiers.nearest.stored import read_stored
from pipelines.cli import (
    Parser,
    add_json_option,
    local_path,
    positive_number,
    run_command,
    whole_number,
    write_json,
)
from pipelines.errors import UsageError
from pipelines.images.layout_options import add_layout_options, layout_given, layout_of
from pipelines.images.listing import list_or_name
from pipelines.images.roots import fence_named
from pipelines.outputs import require_outside
from pipelines.table.feature_table import FeatureTable
from pipelines.table.whereabouts import openable

PROG = "python -m classifiers.neighbours"

NEIGHBOURS = 10


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_neighbours, make_parser(prog)), argv)


def _neighbours(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0 if report.queries.num_rows else 1


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--table", required=True, help="the feature table")
    parser.add_argument("--table_version", type=whole_number, help="an older version")
    parser.add_argument("--split", help="search in this split only")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--id", help="of an image that the table holds")
    what.add_argument(
        "--input", help="an image, a pattern of images, or a folder or manifest of them"
    )
    parser.add_argument(
        "--weights", help="with --input: imagenet (if not given), random[:SEED], or a file"
    )
    parser.add_argument("--k", type=positive_number, default=NEIGHBOURS, help="how many neighbours")
    parser.add_argument(
        "--index",
        action="store_true",
        help="ask an index, which is built if there is none and kept in the table's folder",
    )
    parser.add_argument(
        "--memory",
        type=memory_budget,
        metavar="SIZE",
        help="most memory for the table's vectors, such as 8G; half of what the process may use "
        "if not given; larger ones are read from a temporary file",
    )
    parser.add_argument(
        "--output", type=local_path, metavar="FILE.parquet", help="also write all rows as Parquet"
    )
    parser.add_argument(
        "--page", type=local_path, metavar="FILE.html", help="also write a page with the pictures"
    )
    parser.add_argument(
        "--allow_uri",
        type=fence_named,
        action="append",
        metavar="PREFIX",
        help="with --page: folder or s3://, gs:// prefix whose images may be opened, besides the "
        "one that this user extracted; may be given several times",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    add_layout_options(parser, "with --input")
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> NeighboursReport:
    """Do what the options of `make_parser` say."""
    if options.id is not None:
        refuse({"weights": options.weights, **layout_given(options)}, "--id")
    if options.index:
        refuse({"split": options.split, "memory": options.memory}, "--index")
    if options.page is None:
        refuse({"allow_uri": options.allow_uri}, "no --page")
    if options.output is not None:
        check_output(options.output, overwrite=options.overwrite)
    if options.page is not None:
        _check_page(options.page, overwrite=options.overwrite)
    table = FeatureTable.open(options.table, options.table_version)
    if options.index:
        stored = read_indexed(table)
    else:
        stored = read_stored(table, options.split, options.memory or default_budget())
    if options.id is not None:
        report = of_stored(stored, options.id, options.k)
    else:
        refs = list_or_name(options.input, options.input_root, layout_of(options))
        report = of_images(stored, refs, options.weights, options.k)
    if options.output is not None:
        write_rows(report, options.output)
    if options.page is not None:
        write_page(report, options.page, _places(table, report, options))
    return report


def _places(
    table: FeatureTable, report: NeighboursReport, options: argparse.Namespace
) -> dict[str, str]:
    """Where the page's images are that may be opened: a table may name any place there is."""
    queries, stored = uris_shown(report)
    if options.id is not None:
        return openable(table, queries | stored, options.allow_uri or ())
    return openable(table, stored, options.allow_uri or ()) | {uri: uri for uri in queries}


def _check_page(path: Path, *, overwrite: bool) -> None:
    if path.suffix not in (".html", ".htm"):
        raise UsageError(f"--page {path}: the page is HTML, name a file.html")
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise UsageError(f"--page {path}: no folder {path.resolve().parent} to write it in")
    if path.is_file() and not overwrite:
        raise UsageError(f"--page {path} exists; name another file, or give --overwrite")
    require_outside(path, "--page")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
