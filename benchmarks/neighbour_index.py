"""The nearest of stored images: a search of all of them against the index, recall and seconds.

Features are made up as pooled ones are: none below zero, and of fewer dimensions than channels.
"""

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.alternating import spread, take_in_turn
from benchmarks.result import Result, Table, show
from classifiers.data.pooled import Floats
from classifiers.heads.neighbours import unit_rows
from classifiers.nearest.finding import Search, exact_search
from classifiers.nearest.index import VectorIndex, row_keys
from pipelines.cli import Parser, local_path, positive_number, run_command

DIMENSIONS = 32
"""In which images differ from each other; in the others is noise."""

SLACK = 2e-6
"""By which the tenth cosine may be missed: last digits are rounded differently."""


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_index, argv)


def _index(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.neighbour_index", description=__doc__)
    parser.add_argument("--rows", type=positive_number, default=200_000)
    parser.add_argument("--length", type=positive_number, default=512)
    parser.add_argument("--queries", type=positive_number, default=32, help="of a batch")
    parser.add_argument("--k", type=positive_number, default=10)
    parser.add_argument("--repeats", type=positive_number, default=5)
    parser.add_argument("--json", type=local_path, help="also write the result here")
    options = parser.parse_args(argv)
    show(_measure(options), options.json)


def _measure(options: argparse.Namespace) -> Result:
    random = np.random.default_rng(0)
    base = random.normal(size=(DIMENSIONS, options.length)).astype(np.float32)

    def images(count: int) -> Floats:
        noise = random.normal(size=(count, options.length)).astype(np.float32)
        place = random.normal(size=(count, DIMENSIONS)).astype(np.float32)
        return unit_rows(np.maximum(place @ base + noise, 0.0))

    stored, unseen = images(options.rows), images(options.queries)
    seen = stored[random.permutation(options.rows)[: options.queries]]
    keys = row_keys([str(row) for row in range(options.rows)], [""] * options.rows)
    exact, index = exact_search(stored), VectorIndex.new(options.length)
    started = time.perf_counter()
    index.add(keys, stored)
    built = time.perf_counter() - started
    index.measure(images(100))
    asked = index.search_among(keys)

    def timed(search: Search) -> float:
        started = time.perf_counter()
        search(unseen, options.k)
        return time.perf_counter() - started

    ways = {"exact": lambda: timed(exact), "index": lambda: timed(asked)}
    taken = take_in_turn(ways, options.repeats)
    recalls = [_recall(asked, exact, queries, options.k) for queries in (seen, unseen)]
    settings = {name: getattr(options, name) for name in ("rows", "length", "queries", "k")}
    return Result(
        "Stored images nearest to others",
        {**settings, "repeats": options.repeats},
        [
            Table(
                "Seconds of a batch",
                ("way", "median", "least", "most"),
                [(name, *spread(seconds)) for name, seconds in taken.items()],
            ),
            Table("Recall of the index", ("stored images", "others"), [recalls]),
            Table(
                "The index",
                ("seconds to build", "MB", "candidates of a search"),
                [(built, len(index.content()) / 1e6, index.expansion)],
            ),
        ],
        {"seconds": taken, "recall": recalls, "built": built},
    )


def _recall(asked: Search, exact: Search, queries: Floats, k: int) -> float:
    least = exact(queries, k)[0][:, -1:]
    return float((asked(queries, k)[0] >= least - SLACK).mean())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
