"""`python -m pipelines.tidy`: merge small files, remove orphans and versions past their time."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict

from pipelines.cli import Parser, add_json_option, format_table, run_command, write_json
from pipelines.table.compaction import Tidied, delete_unreferenced, merge_small_files
from pipelines.table.feature_table import FeatureTable

DAY = 86_400.0


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    return run_command(_tidy, argv)


def _tidy(argv: Sequence[str]) -> int:
    parser = Parser(prog="python -m pipelines.tidy", description=(__doc__ or "").partition(": ")[2])
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
    options = parser.parse_args(argv)
    merged, into = merge_small_files(FeatureTable.open(options.table))
    table = FeatureTable.open(options.table)
    keep_pinned = not options.release_models
    deleted, freed, kept = delete_unreferenced(table, options.retention_days * DAY, keep_pinned)
    done = Tidied(merged, into, deleted, freed, kept)
    rows = [
        ("files merged", f"{done.merged} into {done.into}"),
        ("files deleted", f"{done.deleted} ({done.freed / 1e6:.1f} MB)"),
        ("readable versions", ", ".join(str(version) for version in done.kept_versions)),
    ]
    print(format_table(rows))
    write_json(options.json, asdict(done))
    return 0


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
