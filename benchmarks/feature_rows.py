"""The feature table that trainers and storage are measured on: one that is given, or one made."""

import argparse
from pathlib import Path

from benchmarks.base_choice import SHARED, add_base_options, base_choice
from benchmarks.child import ROOT, run_module
from pipelines.cli import local_path
from pipelines.errors import UsageError

DEFAULT_TABLE = ROOT / "build/bench-features"


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """Give a command `--table`, and what it takes to make one."""
    parser.add_argument(
        "--table",
        type=local_path,
        default=DEFAULT_TABLE,
        help="feature table; brought up to --input",
    )
    parser.add_argument(
        "--input",
        type=local_path,
        help="split/label/image; the shared photographs if neither this nor a table is there",
    )
    add_base_options(parser)


def ready_table(options: argparse.Namespace) -> Path:
    """The table that those options mean, extracted first if there is an input for it.

    Raises:
        UsageError: there is neither a table nor images to make it from.
        ChildError: the extraction failed.
    """
    table: Path = options.table.resolve()
    source: Path | None = options.input
    if source is None and not (table / "_delta_log").is_dir():
        source = SHARED / "images/cats_and_dogs_small"
    if source is None:
        return table
    if not source.is_dir():
        raise UsageError(f"no folder {source}; give one of images with --input, or a --table")
    given = ["--input", source.resolve(), "--table", table]
    run_module("pipelines.extract", *given, *base_choice(options).arguments())
    return table
