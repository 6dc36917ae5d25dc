"""`python -m classifiers.report`: one HTML page of a table and its models."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from classifiers.models.opening import ModelOrFolder, found
from classifiers.models.versions.names import NAME_HELP, model_name
from classifiers.reporting.job import IMAGES, MAX_BYTES, ReportJob
from classifiers.reporting.making import check_output, make_page
from classifiers.reporting.report import PageReport
from pipelines.cli import (
    Parser,
    add_json_option,
    local_path,
    positive_number,
    run_command,
    seed_number,
    whole_number,
    write_json,
)
from pipelines.images.roots import fence_named

PROG = "python -m classifiers.report"


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_report, make_parser(prog)), argv)


def _report(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--table", required=True, help="the feature table")
    parser.add_argument(
        "--table_version", type=whole_number, help="an older version; the newest if not given"
    )
    parser.add_argument(
        "--model",
        type=model_name,
        action="append",
        metavar="NAME",
        help=f"{NAME_HELP}; may be given several times",
    )
    parser.add_argument(
        "--split", help="split to measure models on; test, or another held-out one, if not given"
    )
    parser.add_argument(
        "--audit", type=local_path, metavar="DIR", help="what an audit of the table wrote"
    )
    parser.add_argument("--images", type=positive_number, default=IMAGES, help="on the map at most")
    parser.add_argument(
        "--max_bytes",
        type=positive_number,
        default=MAX_BYTES,
        help="of the page at most; pictures are left out for it",
    )
    parser.add_argument(
        "--allow_uri",
        type=fence_named,
        action="append",
        metavar="PREFIX",
        help="folder or s3://, gs:// prefix whose images may be opened, besides the one that this "
        "user extracted; may be given several times",
    )
    parser.add_argument("--seed", type=seed_number, default=0, help="of the map")
    parser.add_argument(
        "--output",
        type=local_path,
        metavar="FILE.html",
        help="the page; kept in the table's folder, as _reports/report-VERSION.html, if not given",
    )
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace, models: Sequence[ModelOrFolder] | None = None) -> PageReport:
    """Do what the options of `make_parser` say.

    Args:
        options: what was parsed.
        models: models that are at hand, instead of those that the options name.
    """
    output = None if options.output is None else check_output(options.output)
    if models is None:
        models = [found(each) for each in options.model or ()]
    return make_page(
        ReportJob(
            table=options.table,
            table_version=options.table_version,
            models=tuple(models),
            split=options.split,
            audit=options.audit,
            images=options.images,
            max_bytes=options.max_bytes,
            allowed=tuple(options.allow_uri or ()),
            seed=options.seed,
            output=output,
        )
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
