"""The search for near duplicates against the bare product of all vectors with all, in turn.

Vectors are made up, with some that are nearly others. The bare product is formed a block of rows
at a time and thrown away; of many rows it is measured on some and scaled up: blocks are alike.
"""

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.alternating import spread, take_in_turn
from benchmarks.result import Result, Table, show
from classifiers.auditing.directions import directions, take_roots
from classifiers.auditing.nearest import nearness
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.system.memory import own_peak

PLANTED = 100
"""One in so many vectors is another one with noise."""

BLOCK = 2048
"""Rows of a block of the bare product."""


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_near_duplicates, argv)


def _near_duplicates(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.near_duplicates", description=__doc__)
    parser.add_argument("--rows", type=positive_number, default=20_000)
    parser.add_argument("--length", type=positive_number, default=512)
    parser.add_argument(
        "--product_rows", type=positive_number, help="rows the bare product is measured on"
    )
    parser.add_argument("--repeats", type=positive_number, default=3)
    parser.add_argument("--json", type=local_path, help="also write the result here")
    options = parser.parse_args(argv)
    show(_measure(options), options.json)


def _measure(options: argparse.Namespace) -> Result:
    random = np.random.default_rng(0)
    planted = options.rows // PLANTED
    given = np.empty((options.rows, options.length), np.float32)
    for start in range(0, options.rows, BLOCK):
        part = given[start : start + BLOCK]
        part[:] = np.square(random.standard_normal(part.shape, np.float32))
    noise = 1.0 + 0.2 * random.standard_normal((planted, options.length), np.float32)
    given[-planted:] = np.abs(given[:planted] * noise)
    measured = min(options.product_rows or options.rows, options.rows)
    found: list[int] = []

    def search() -> float:
        roots = given.copy()
        started = time.perf_counter()
        take_roots(roots)
        near = directions(roots)
        parts = nearness(near.units, near.near, 1).parts
        taken = time.perf_counter() - started
        found.append(int((parts[-planted:] == parts[:planted]).sum()))
        return taken

    def product() -> float:
        started = time.perf_counter()
        for start in range(0, measured, BLOCK):
            given[start : min(measured, start + BLOCK)] @ given.T
        return (time.perf_counter() - started) * float(options.rows / measured)

    peaks: list[int] = []

    def measured_search() -> float:
        seconds = search()
        peaks.append(own_peak())
        return seconds

    taken = take_in_turn({"search": measured_search, "bare product": product}, options.repeats)
    # The first one's: a block of the product is larger than those of the search.
    peak = peaks[0]
    ratios = [a / b for a, b in zip(taken["search"], taken["bare product"], strict=True)]
    settings = {"rows": options.rows, "length": options.length, "product_rows": measured}
    sizes = (peak / 1e6, 4e-6 * options.rows * options.length)
    return Result(
        "Near duplicates",
        {**settings, "repeats": options.repeats},
        [
            Table(
                "Seconds",
                ("way", "median", "least", "most"),
                [(name, *spread(seconds)) for name, seconds in taken.items()],
            ),
            Table("Times the product", ("median", "least", "most"), [spread(ratios)]),
            Table("Memory", ("MB of the process at most", "MB of all vectors"), [sizes]),
            Table("Found", ("of planted", "there were"), [(min(found), planted)]),
        ],
        {"seconds": taken, "bytes": peak},
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
