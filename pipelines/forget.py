"""`python -m pipelines.forget`: delete images from a table for good, old versions included."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pipelines.cli import Parser, add_json_option, format_table, log, run_command, write_json
from pipelines.errors import UsageError
from pipelines.records import storable
from pipelines.table.erasure import forget
from pipelines.table.feature_table import FeatureTable


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    return run_command(_forget, argv)


def _forget(argv: Sequence[str]) -> int:
    parser = Parser(
        prog="python -m pipelines.forget", description=(__doc__ or "").partition(": ")[2]
    )
    parser.add_argument("--table", required=True, help="the feature table")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--image_id", nargs="+", metavar="ID", help="ids of images")
    what.add_argument("--ids", type=Path, metavar="FILE", help="a text file, an id a line")
    add_json_option(parser)
    options = parser.parse_args(argv)
    ids = (
        _ids(options.ids) if options.ids is not None else frozenset(map(storable, options.image_id))
    )
    done = forget(FeatureTable.open(options.table), ids)
    if done.images < len(ids):
        log(f"{len(ids) - done.images} of {len(ids)} ids were not in the table")
    rows = [
        ("images forgotten", str(done.images)),
        ("files deleted", str(done.files)),
        ("version", str(done.version)),
    ]
    print(format_table(rows))
    if done.images:
        log("remove them from the input too, or the next extraction brings them back")
    write_json(options.json, asdict(done))
    return 0


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
