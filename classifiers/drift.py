"""`python -m classifiers.drift`: whether images differ from those before, by their features."""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial

from classifiers.drifting.comparing import compare
from classifiers.drifting.gauges import gauges_of_drift
from classifiers.drifting.report import ALARMS, DriftReport
from classifiers.drifting.side import read_side
from pipelines.cli import (
    Parser,
    add_json_option,
    positive_number,
    proportion,
    run_command,
    seed_number,
    whole_number,
    write_json,
)
from pipelines.contract import require_same_contract
from pipelines.errors import UsageError
from pipelines.metrics.outlet import add_metrics_options, outlet_of
from pipelines.table.feature_table import FeatureTable
from pipelines.table.storage import table_uri

PROG = "python -m classifiers.drift"

ALPHA = 0.05
PERMUTATIONS = 999
MOVED = 10


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_drift, make_parser(prog)), argv)


def _drift(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 1 if set(options.fail_if) & set(report.alarms) else 0


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--table", required=True, help="the feature table")
    parser.add_argument(
        "--table_version", type=whole_number, help="an older version; the newest if not given"
    )
    parser.add_argument("--split", help="a split of it; all images if not given")
    parser.add_argument("--against", help="table of the images before; the same if not given")
    parser.add_argument(
        "--against_version", type=whole_number, help="its version; the newest if not given"
    )
    parser.add_argument("--against_split", help="its split; --split if not given")
    parser.add_argument(
        "--fail_if",
        type=_alarms_named,
        default=(),
        metavar="ALARM",
        help=f"end with status 1 at an alarm: {' or '.join(ALARMS)}, or both with a comma",
    )
    parser.add_argument(
        "--alpha",
        type=proportion,
        default=ALPHA,
        help="greatest probability of an alarm where nothing drifted",
    )
    parser.add_argument(
        "--permutations", type=positive_number, default=PERMUTATIONS, help="of each test"
    )
    parser.add_argument(
        "--moved", type=whole_number, default=MOVED, help="how many images that moved most to name"
    )
    parser.add_argument("--seed", type=seed_number, default=0, help="of every random choice")
    add_metrics_options(parser)
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> DriftReport:
    """Do what the options of `make_parser` say."""
    outlet = outlet_of(options, "drift", table_uri(options.table))
    after = FeatureTable.open(options.table, options.table_version)
    before = FeatureTable.open(options.against or options.table, options.against_version)
    split = options.against_split or options.split
    if (before.uri, before.version, split) == (after.uri, after.version, options.split):
        raise UsageError(
            "both sides are the same images; name another table, version or split with --against, "
            "--against_version or --against_split"
        )
    require_same_contract(before.contract, "--against", after.contract, "--table")
    first = read_side(before, split, "--against_split")
    second = read_side(after, options.split, "--split")
    report = compare(
        first, second, options.alpha, options.permutations, options.moved, options.seed
    )
    if outlet.wanted:
        outlet.publish(gauges_of_drift(report, time.time()))
    return report


def _alarms_named(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= set(ALARMS):
        raise argparse.ArgumentTypeError(f"{text!r} is not of {', '.join(ALARMS)}")
    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
