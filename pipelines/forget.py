"""`python -m pipelines.forget`: delete images from a table for good, old versions included."""

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from pipelines.cli import Parser, add_json_option, local_path, log, run_command, write_json
from pipelines.errors import UsageError
from pipelines.records import storable
from pipelines.table.erasure import Forgotten, forget
from pipelines.table.feature_table import FeatureTable

PROG = "python -m pipelines.forget"


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_forget, make_parser(prog)), argv)


def _forget(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = forget_ids(options.table, options.image_id or _ids(options.ids))
    print(report)
    if report.images:
        log("remove them from the input too, or the next extraction brings them back")
    write_json(options.json, report.as_json())
    return 0


def forget_ids(table: str, image_ids: Iterable[str]) -> Forgotten:
    """Delete images from a table for good, and tell how many of them it did not hold.

    Args:
        table: the table's location.
        image_ids: ids of images.

    Raises:
        TableError: there is no such table.
        CommitRefusedError: another run committed meanwhile; nothing was deleted.
    """
    ids = frozenset(map(storable, image_ids))
    done = forget(FeatureTable.open(table), ids)
    if done.images < len(ids):
        log(f"{len(ids) - done.images} of {len(ids)} ids were not in the table")
    return done


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--table", required=True, help="the feature table")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--image_id", nargs="+", metavar="ID", help="ids of images")
    what.add_argument("--ids", type=local_path, metavar="FILE", help="a text file, an id a line")
    add_json_option(parser)
    return parser


def _ids(path: Path) -> frozenset[str]:
    if not path.is_file():
        raise UsageError(f"--ids {path}: no such file")
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"--ids {path}: the file is not UTF-8 ({error})") from error
    ids = frozenset(line.removesuffix("\r") for line in lines) - {""}
    if not ids:
        raise UsageError(f"--ids {path}: the file names no image")
    return ids


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
