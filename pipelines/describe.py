"""`python -m pipelines.describe`: what a feature table holds, or which bases there are."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import prod
from typing import Any

from pipelines.bases import BASES, Base, parse_base
from pipelines.bases.file_layers import FileLayer, layers_of
from pipelines.cli import Parser, add_json_option, run_command, whole_number, write_json
from pipelines.contract import FILE_BASES
from pipelines.errors import UsageError
from pipelines.reports import Grid, Part, Report
from pipelines.table.description import TableDescription, describe_table, times

PROG = "python -m pipelines.describe"

ALL = "all of them"
"""What `--bases` without a file means."""

BASE_COLUMNS = ("base", "size", "least", "features", "length", "parameters", "preprocessing")
"""Sizes are image sides in pixels, features and their length those at the default size."""


@dataclass(frozen=True, slots=True)
class BaseList(Report):
    """The bases that features can be made with.

    Attributes:
        bases: all of them.
    """

    bases: tuple[Base, ...] = tuple(BASES.values())

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        return [Grid([_row(base) for base in self.bases], BASE_COLUMNS)]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`."""
        return {"bases": [_as_json(base) for base in self.bases]}


@dataclass(frozen=True, slots=True)
class LayerList(Report):
    """The layers at which a base that is a file can be cut.

    Attributes:
        file: as it was named.
        base: what contracts call it.
        size: height and width of its images in pixels; None where any will do.
        layers: in the order in which they run.
    """

    file: str
    base: str
    size: int | None
    layers: tuple[FileLayer, ...]

    def parts(self) -> list[Part]:
        """See `Report.parts`."""
        size = "images of any size" if self.size is None else f"images of {self.size} pixels"
        rows = [(each.name, each.operation, each.shape_in_words) for each in self.layers]
        return [
            f"{self.file}: {self.base}, {size}",
            "",
            Grid(rows, ("layer", "operation", "features")),
        ]

    def as_json(self) -> dict[str, Any]:
        """See `Report.as_json`; a side is null where it depends on the image's size."""
        return asdict(self)


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_describe, make_parser(prog)), argv)


def _describe(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--table", help="the feature table")
    what.add_argument(
        "--bases",
        nargs="?",
        const=ALL,
        metavar="FILE",
        help="list the bases instead, or the layers of a base that is a file",
    )
    parser.add_argument(
        "--table_version", type=whole_number, help="an older version; the newest if not given"
    )
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> TableDescription | BaseList | LayerList:
    """Do what the options of `make_parser` say."""
    if options.bases is None:
        return describe_table(options.table, options.table_version)
    if options.table_version is not None:
        raise UsageError("--table_version wants a --table; bases have no versions")
    return BaseList() if options.bases is ALL else list_layers(options.bases)


def list_layers(file: str) -> LayerList:
    """The layers at which a base that is a file can be cut.

    Raises:
        UsageError: there is no such file.
        BaseFileError: it is no base.
    """
    name, request = parse_base(file, "imagenet")
    if name not in FILE_BASES:
        raise UsageError(f"--bases lists the layers of a file; {file} is a base by name")
    found = layers_of(request)
    return LayerList(file, name, found.size, found.layers)


def _row(base: Base) -> tuple[str | int, ...]:
    shape = base.feature_shape
    sizes = (base.default_size, base.min_size)
    return (base.name, *sizes, times(shape), prod(shape), base.parameters, base.preprocessing)


def _as_json(base: Base) -> dict[str, Any]:
    return {
        "base": base.name,
        "default_size": base.default_size,
        "min_size": base.min_size,
        "feature_shape": list(base.feature_shape),
        "feature_length": prod(base.feature_shape),
        "parameters": base.parameters,
        "preprocessing": base.preprocessing,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
