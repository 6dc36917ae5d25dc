"""Throughput on Flink, two TaskManagers of a core each, against the embedded runner's two workers.

In the steady state: from the moment when as many shards as there are workers are finished to that
when as many are left. Starting a cluster's job and ending it does not count, nor does it for the
embedded runner. The same images, engine and shards, in turn, each into a new table. The cluster is
the tests' own, on loopback.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.alternating import measure_in_turn, spread
from benchmarks.base_choice import SHARED, add_base_options, base_choice
from benchmarks.images import repeat_images
from benchmarks.project_run import ProjectRun
from benchmarks.result import Result, Table, show
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.errors import UsageError
from tests.cluster.flink import flink_cluster

WORKERS = 2
EMBEDDED = (f"--direct_num_workers={WORKERS}", "--direct_running_mode=multi_processing")


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_flink, argv)


def _flink(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.flink", description=__doc__)
    parser.add_argument("--input", type=local_path, default=SHARED / "images/original")
    parser.add_argument("--images", type=positive_number, default=1800)
    parser.add_argument("--shard_size", type=positive_number, default=64, metavar="ROWS")
    parser.add_argument("--repeats", type=positive_number, default=3)
    parser.add_argument("--engine", default="auto", help="this project's engine")
    parser.add_argument("--json", type=local_path, help="also write the result here")
    add_base_options(parser)
    options = parser.parse_args(argv)
    if options.images < 4 * WORKERS * options.shard_size:
        raise UsageError(f"--images {options.images}: take at least {4 * WORKERS} shards of them")
    with tempfile.TemporaryDirectory() as folder:
        show(_measure(options, Path(folder)), options.json)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    choice = base_choice(options)
    ours = ProjectRun(choice, options.engine, folder)
    engine, _ = ours.warm_up(options.input)
    images = repeat_images(options.input, folder / "images", options.images)
    os.environ.update(ours.environment)  # the worker pools' cache too
    tables = (folder / f"table-{number}" for number in range(2 * options.repeats))
    named = replace(ours, engine=engine)

    def seconds(flags: Sequence[str]) -> float:
        table = next(tables)
        named.extract(images, table, "--shard_size", str(options.shard_size), *flags)
        return float(options.images / steady_rate(table))

    with flink_cluster(folder / "cluster", WORKERS, core_of=range(WORKERS)) as cluster:
        flags = cluster.flags()
        ways = {"embedded": lambda: seconds(EMBEDDED), "Flink": lambda: seconds(flags)}
        timings = measure_in_turn(ways, options.repeats)
    rows = [
        (name, options.images / each.median_seconds, *spread(each.ratios))
        for name, each in timings.items()
    ]
    return Result(
        "Flink",
        {
            **choice.settings(),
            "images": options.images,
            "shard_size": options.shard_size,
            "repeats": options.repeats,
            "engine": engine,
        },
        [
            Table(
                "Two workers of one core each, in the steady state",
                ("runner", "images/s", "ratio", "least", "most"),
                rows,
            )
        ],
        {name: list(each.seconds) for name, each in timings.items()},
    )


def steady_rate(table: Path) -> float:
    """Images a second between a run's first and last shards, from when its files were finished."""
    files = sorted((table / "data").glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    within = files[WORKERS - 1 : len(files) - WORKERS]
    seconds = (within[-1].stat().st_mtime_ns - within[0].stat().st_mtime_ns) / 1e9
    rows = sum(int(pq.read_metadata(path).num_rows) for path in within[1:])
    return rows / seconds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
