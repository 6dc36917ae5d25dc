"""What a command does with a whole table besides its work, in a process of its own.

`python -m benchmarks.scaling_commands FILE COMMAND ROWS FOLDER`; the file gets the processor's
seconds and peak memory as JSON. The command `table` comes first and makes the table.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.synthetic import CONTRACT, LENGTH, image_id, write_files
from classifiers.data.row_groups import find_rows, splits
from pipelines.system.memory import own_peak
from pipelines.table.change import Change, TableState
from pipelines.table.compaction import merge_small_files
from pipelines.table.erasure import forget
from pipelines.table.feature_table import FeatureTable
from pipelines.table.gate import commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.storage import open_storage

ROWS_A_FILE = 1024
HELD_OUT = 10
"""One row in so many is of the split that a training is measured on."""

TABLE = "table"
"""Makes the table, and a copy whose files are merged, and measures nothing."""

Work = Callable[[], object]


def make_table(uri: str, rows: int) -> None:
    """A table whose last tenth is its validation split; a tenth of its files, about, too."""
    held_out = rows // HELD_OUT
    paths = [
        *write_files(uri, rows - held_out, ROWS_A_FILE),
        *write_files(uri, held_out, ROWS_A_FILE, first=rows - held_out, split="validation"),
    ]
    storage = open_storage(uri)
    files = [inspect_file(storage, path) for path in paths]
    state = TableState(uri, None, CONTRACT, (LENGTH,), EMPTY_KEYS)
    commit_change(state, Change(files, [], {"run": "r"}))


def naming(uri: str, rows: int) -> Work:
    """The names of the splits, which decide whether there is one to validate on."""
    table = FeatureTable.open(uri)
    return lambda: splits(table)


def opening(uri: str, rows: int) -> Work:
    """All that a training asks of a table before it reads features."""

    def work() -> None:
        table = FeatureTable.open(uri)
        find_rows(table, "train")
        splits(table)
        find_rows(table, "validation", copies=0)

    return work


def counting(uri: str, rows: int) -> Work:
    """The rows of each split and label, as `pipelines.describe` tells them."""
    table = FeatureTable.open(uri)
    return table.counts


def tidying(uri: str, rows: int) -> Work:
    """A night on which there is nothing to merge."""
    table = FeatureTable.open(merged(uri))

    def work() -> None:
        assert merge_small_files(table) == (0, 0)

    return work


def forgetting(uri: str, rows: int) -> Work:
    """Forgetting an image of every file."""
    ids = frozenset(image_id(place) for place in range(0, rows, ROWS_A_FILE))
    table = FeatureTable.open(_copy(uri, f"{uri}-copy"))

    def work() -> None:
        assert forget(table, ids).images == len(ids)

    return work


def merged(uri: str) -> str:
    """Where a table's copy is whose files are merged."""
    return f"{uri}-merged"


def _copy(uri: str, to: str) -> str:
    shutil.rmtree(to, ignore_errors=True)
    return str(shutil.copytree(uri, to))


COMMANDS: dict[str, Callable[[str, int], Work]] = {
    each.__name__: each for each in (naming, opening, counting, tidying, forgetting)
}


def main(file: str, command: str, rows: str, folder: str) -> None:
    """Measure one command."""
    uri = str(Path(folder) / f"commands-{rows}")
    if command == TABLE:
        make_table(uri, int(rows))
        merge_small_files(FeatureTable.open(_copy(uri, merged(uri))))
        Path(file).write_text("{}", encoding="utf-8")
        return
    work = COMMANDS[command](uri, int(rows))
    before = own_peak()
    started = time.process_time()
    work()
    found = {"seconds": time.process_time() - started, "bytes": own_peak() - before}
    Path(file).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
