"""What the driver's work costs by the number of images, files and commits: listing to commit.

Images are made up and need not be there, features are four numbers: pixels cost the workers, and
`pipelines.plan` measures those. Each part at each size is a process of its own.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.child import run_module
from benchmarks.result import Result, Table, show
from benchmarks.scaling_commands import COMMANDS, TABLE
from pipelines.cli import Parser, local_path, positive_number, run_command

Found = Mapping[str, Any]
Row = tuple[str | int | float, ...]


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_scaling, argv)


def _scaling(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.scaling", description=__doc__)
    several: dict[str, Any] = {"type": positive_number, "nargs": "+"}
    parser.add_argument("--images", default=[100_000, 1_000_000], **several)
    parser.add_argument("--files", default=[1_000, 10_000], **several)
    parser.add_argument("--commits", default=[100, 1_000], **several)
    parser.add_argument(
        "--folder", type=local_path, help="for trees and tables; a temporary one if not"
    )
    parser.add_argument("--json", type=local_path, help="also write the result here")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        show(_measure(options, Path(folder)), options.json)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    raw: dict[str, dict[str, Found]] = {}
    sizes = {
        **dict.fromkeys(("listing", "planning", "job", "table", "commands"), options.images),
        "files": options.files,
        "commits": options.commits,
    }
    tables = []
    for part, (caption, columns, row) in SHOWN.items():
        found = {number: _take(part, number, folder) for number in sizes[part]}
        raw[part] = {str(number): each for number, each in found.items()}
        rows = [(number, *row(number, each)) for number, each in found.items()]
        tables.append(Table(caption, columns, rows))
    return Result("Scaling of the driver", {"rows a file": 1024}, tables, raw)


def _take(part: str, number: int, folder: Path) -> Found:
    if part == "commands":
        _child("benchmarks.scaling_commands", TABLE, number, folder)
        names = {name: (name, number, folder) for name in COMMANDS}
        return {n: _child("benchmarks.scaling_commands", *each) for n, each in names.items()}
    return _child("benchmarks.scaling_parts", part, number, folder)


def _child(module: str, part: str, number: int, folder: Path) -> Found:
    file = folder / "found.json"
    run_module(module, file, part, number, folder)
    found: Found = json.loads(file.read_text(encoding="utf-8"))
    return found


def _listing(number: int, found: Found) -> Row:
    seconds = found["seconds"]
    rates = (number / seconds["folder"], number / seconds["manifest"])
    names = ("folder", "folder, others", "manifest", "manifest, others", "stated")
    taken = [seconds[name] for name in names]
    return (*taken, *rates, found["bytes_folder"] / number)


def _planning(number: int, found: Found) -> Row:
    seconds = found["seconds"]
    taken = [seconds[name] for name in ("compare", "sort", "cut", "books")]
    return (*taken, found["bytes_listed"] / number, found["bytes_planned"] / number)


def _job(number: int, found: Found) -> Row:
    taken, size = found["seconds"]["encode"], found["bytes_job"]
    return (taken, size / 1e6, size / number, found["bytes_encoding"] / number)


def _table(number: int, found: Found) -> Row:
    names = ("inspect", "commit", "open", "keys", "compare", "sort", "leakage", "recall")
    taken = [found["seconds"][name] for name in names]
    return (*taken, found["bytes_committing"] / number, found["bytes_looking"] / number)


def _commands(number: int, found: Found) -> Row:
    seconds = [found[name]["seconds"] for name in COMMANDS]
    return (*seconds, *(found[name]["bytes"] / number for name in COMMANDS))


def _files(number: int, found: Found) -> Row:
    taken = [found["seconds"][name] for name in ("inspect", "commit", "open", "history")]
    size = found["bytes_log"]
    return (*taken, size / 1e6, size / number, found["bytes_committing"] / number)


def _commits(number: int, found: Found) -> Row:
    seconds = found["seconds"]
    each = seconds["commits"] / number
    rest = (seconds["open"], seconds["history"], found["checkpoints"], found["bytes_log"] / 1e6)
    return (each, found["last_commit"], *rest)


SHOWN: dict[str, tuple[str, tuple[str, ...], Callable[[int, Found], Row]]] = {
    "listing": (
        "Listing, processor seconds",
        (
            *("images", "folder", "its other processes", "manifest", "its other processes"),
            "with sizes and times",
            *("images/s", "images/s, manifest", "bytes an image"),
        ),
        _listing,
    ),
    "planning": (
        "A first plan, processor seconds",
        (
            *("images", "compare", "sort", "cut", "books"),
            *("bytes an image listed", "bytes an image planned"),
        ),
        _planning,
    ),
    "job": (
        "The job with its shards, as it is sent to a runner",
        ("images", "seconds", "MB", "bytes an image", "bytes an image of memory"),
        _job,
    ),
    "table": (
        "A table's first commit and what a later run looks at, processor seconds",
        (
            *("images", "inspect", "commit", "open", "keys", "compare", "sort", "leakage"),
            *("recall", "bytes an image, commit", "bytes an image, look"),
        ),
        _table,
    ),
    "commands": (
        "What commands do with a whole table besides their work: processor seconds, bytes a row",
        ("rows", *COMMANDS, *(f"{name}, bytes" for name in COMMANDS)),
        _commands,
    ),
    "files": (
        "One commit of many files, processor seconds",
        (
            *("files", "inspect", "commit", "open", "history", "log MB"),
            *("log bytes a file", "memory bytes a file"),
        ),
        _files,
    ),
    "commits": (
        "Many commits, processor seconds",
        ("commits", "a commit", "the last", "open", "history", "checkpoints", "log MB"),
        _commits,
    ),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
