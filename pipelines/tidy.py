"""`python -m pipelines.tidy`: merge small files, remove orphans and versions past their time."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from pipelines.cli import Parser, add_json_option, run_command, write_json
from pipelines.table.compaction import Tidied, tidy

PROG = "python -m pipelines.tidy"

DAY = 86_400.0


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_tidy, make_parser(prog)), argv)


def _tidy(parser: Parser, argv: Sequence[str]) -> int:
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
        "--retention_days",
        type=_days,
        default=7.0,
        help="how long replaced versions stay readable and uncommitted files wait; no run may "
        "take longer than this",
    )
    parser.add_argument(
        "--release_models",
        action="store_true",
        help="let go of versions that models were trained on, too",
    )
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> Tidied:
    """Do what the options of `make_parser` say."""
    return tidy(options.table, options.retention_days * DAY, not options.release_models)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not days >= 0.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days")
    return days


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
