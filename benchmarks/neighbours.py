"""The search of nearest neighbours against the machine's own matrix product, in turn.

Vectors are made up, kept in a file as a model keeps them, and read from it block by block; the bare
product is of one block in memory, again and again, as many times as there are blocks.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from benchmarks.alternating import spread, take_in_turn
from benchmarks.result import Result, Table, show
from classifiers.heads.neighbours import blocks_of, nearest, rows_of_block, unit_rows
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.system.memory import own_peak


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_neighbours, argv)


def _neighbours(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.neighbours", description=__doc__)
    parser.add_argument("--rows", type=positive_number, default=200_000)
    parser.add_argument("--length", type=positive_number, default=8192)
    parser.add_argument("--queries", type=positive_number, default=1000)
    parser.add_argument("--k", type=positive_number, default=20)
    parser.add_argument("--repeats", type=positive_number, default=3)
    parser.add_argument("--json", type=local_path, help="also write the result here")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        show(_measure(options, Path(folder)), options.json)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    random = np.random.default_rng(0)
    rows = rows_of_block(options.length)
    queries = unit_rows(random.normal(size=(options.queries, options.length)).astype(np.float32))
    block = unit_rows(random.normal(size=(rows, options.length)).astype(np.float32))
    with h5py.File(folder / "vectors.h5", "w") as file:
        shape = (options.rows, options.length)
        vectors = file.create_dataset("vectors", shape, np.float32)
        for start in range(0, options.rows, rows):
            # Other vectors in each block, at the price of a shift.
            part = np.roll(block, start + 1, axis=1)[: options.rows - start]
            vectors[start : start + len(part)] = part

        def search() -> float:
            started = time.perf_counter()
            nearest(blocks_of(vectors), queries, options.k)
            return time.perf_counter() - started

        def product() -> float:
            started = time.perf_counter()
            for start in range(0, options.rows, rows):
                queries @ block[: options.rows - start].T
            return time.perf_counter() - started

        taken = take_in_turn({"search": search, "bare product": product}, options.repeats)
    ratios = [b / a for a, b in zip(taken["search"], taken["bare product"], strict=True)]
    operations = 2e-9 * options.rows * options.queries * options.length
    table = [
        (name, *spread(seconds), operations / spread(seconds)[0]) for name, seconds in taken.items()
    ]
    peak = own_peak()
    sizes = (peak / 1e6, 4e-6 * options.rows * options.length)
    settings = {name: getattr(options, name) for name in ("rows", "length", "queries", "k")}
    return Result(
        "Nearest neighbours",
        {**settings, "repeats": options.repeats},
        [
            Table("Seconds", ("way", "median", "least", "most", "GFLOP/s"), table),
            Table("Rate of the product's", ("median", "least", "most"), [spread(ratios)]),
            Table("Memory", ("MB of the process at most", "MB of all vectors"), [sizes]),
        ],
        {"seconds": taken, "bytes": peak},
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
