"""Writing and reading features: this project's files, `numpy.save` and plain Parquet, in turn.

Megabytes are 10^6 bytes of raw float32 features, whatever a format makes of them; files come from
and go to the system's cache, so the disk's own speed is not in the figures.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.alternating import Timing, spread, time_in_turn
from benchmarks.feature_rows import add_table_options, ready_table
from benchmarks.formats import read_parquet, write_parquet, write_project_file
from benchmarks.result import Result, Table, show
from classifiers.data.dataset import load
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.errors import TableError
from pipelines.table.feature_table import FeatureTable
from pipelines.table.receipts import read_receipt

NUMPY = "NumPy"
PARQUET = "pyarrow, defaults"
SAME_FILES = "pyarrow, this project's files"
OURS = "this project"


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_storage, argv)


def _storage(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.storage", description=__doc__)
    parser.add_argument("--split", default="train", help="the rows to measure on")
    parser.add_argument("--repeats", type=positive_number, default=5)
    parser.add_argument("--json", type=local_path, help="also write the result here")
    add_table_options(parser)
    options = parser.parse_args(argv)
    table = ready_table(options)
    with tempfile.TemporaryDirectory() as folder:
        show(_measure(options, table, Path(folder)), options.json)


def _measure(options: argparse.Namespace, table: Path, folder: Path) -> Result:
    samples = load(str(table), options.split)
    features = samples.features
    contract = FeatureTable.open(str(table)).contract
    npy, plain, ours = (folder / name for name in ("f.npy", "plain.parquet", "ours.parquet"))
    writing = time_in_turn(
        {
            NUMPY: partial(np.save, npy, features),
            PARQUET: partial(write_parquet, plain, features),
            OURS: partial(write_project_file, ours, samples, contract),
        },
        options.repeats,
    )
    own_files = _files_of(table, options.split)
    for name, path in {NUMPY: npy, PARQUET: plain, OURS: ours}.items():
        found = np.load(path) if path is npy else read_parquet([path])
        if not np.array_equal(found, features):
            raise TableError(f"{name} did not give back the features that were written")
    if len(read_parquet(own_files)) != len(features):
        raise TableError(f"the files of {table} hold other rows than their log; run pipelines.tidy")
    reading = time_in_turn(
        {
            NUMPY: partial(np.load, npy),
            PARQUET: partial(read_parquet, [plain]),
            SAME_FILES: partial(read_parquet, own_files),
            OURS: partial(load, str(table), options.split),
        },
        options.repeats,
    )
    raw = features.nbytes
    sizes = [
        (name, round(path.stat().st_size / len(features)), path.stat().st_size / raw)
        for name, path in {NUMPY: npy, PARQUET: plain, OURS: ours}.items()
    ]
    against = reading[OURS].speed_against(reading[SAME_FILES])
    return Result(
        "Storage",
        {"rows": len(features), "features": features.shape[1], "repeats": options.repeats},
        [
            Table("Size", ("format", "bytes a row", "of raw size"), sizes),
            _speeds("Writing one file, against numpy.save", writing, raw),
            _speeds("Reading a split into one array, against numpy.load", reading, raw),
            Table(
                "Reading by this project, against pyarrow alone on the same files",
                ("ratio", "least", "most"),
                [spread(against)],
            ),
        ],
        {
            "writing": {name: list(each.seconds) for name, each in writing.items()},
            "reading": {name: list(each.seconds) for name, each in reading.items()},
        },
    )


def _files_of(table: Path, split: str) -> list[Path]:
    opened = FeatureTable.open(str(table))
    receipts = {path: read_receipt(opened.storage, path) for path in opened.paths}
    return [table / path for path, each in receipts.items() if each and each.split == split]


def _speeds(caption: str, timings: Mapping[str, Timing], raw: int) -> Table:
    rows = [
        (name, raw / 1e6 / each.median_seconds, *spread(each.ratios))
        for name, each in timings.items()
    ]
    return Table(caption, ("format", "MB/s", "ratio", "least", "most"), rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
