"""What a kill loses, and how long workers idle, with shards cut by bytes alone and as they are now.

All images are of one split. One worker is killed when a share of them is done; those that are in no
finished file have to be done again. Two workers, processes of their own, run to the end; a worker
idles while it starts, and when it has no more shards and the other one has. Both ways in turn, the
engine having been chosen by a run before.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.alternating import spread, take_in_turn
from benchmarks.base_choice import SHARED, BaseChoice, add_base_options, base_choice
from benchmarks.child import ChildError, start_module
from benchmarks.images import repeat_images
from benchmarks.project_run import WARM_UP_IMAGES, ProjectRun
from benchmarks.result import Result, Table, show
from pipelines.bases import base_named
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.contract import Contract
from pipelines.planning.job import DEFAULT_BATCH_SIZE
from pipelines.planning.shard_sizes import SHARD_BYTES
from pipelines.planning.uncommitted import find_uncommitted
from pipelines.shards.progress import ProgressFile
from pipelines.table.feature_table import FeatureTable
from pipelines.table.storage import open_storage

POOLED = ("--pooling", "avg")
TWO_WORKERS = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
POLL_SECONDS = 0.02


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_shards, argv)


def _shards(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.shards", description=__doc__)
    parser.add_argument("--input", type=local_path, default=SHARED / "images/cats_and_dogs_small")
    parser.add_argument("--images", type=positive_number, default=3000)
    parser.add_argument("--repeats", type=positive_number, default=3)
    parser.add_argument("--engine", default="auto", help="this project's engine")
    parser.add_argument("--json", type=local_path, help="also write the result here")
    add_base_options(parser)
    parser.set_defaults(base="MobileNetV2", image_size=96, weights="random")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        show(_measure(options, Path(folder)), options.json)


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to cut shards, run on all images.

    Attributes:
        ours: the command.
        images: what it reads.
        total: how many these are.
        contract: of their features.
        more: the option that cuts so, if it takes one.
    """

    ours: ProjectRun
    images: Path
    total: int
    contract: Contract
    more: tuple[str, ...]

    def lost(self, share: float) -> int:
        """Kill a run when a share of the images is done; those that are to be done again."""
        table, temporary = self.ours.folder / "killed", self.ours.folder / "temporary"
        for each in (table, temporary):
            shutil.rmtree(each, ignore_errors=True)
        temporary.mkdir()
        child = start_module(
            "pipelines.extract",
            *(*self.ours.arguments(self.images, table), *POOLED, *self.more),
            environment={**self.ours.environment, "TMPDIR": str(temporary)},
        )
        # What it says fits into the pipe many times over, so it need not be read meanwhile.
        while child.poll() is None and _done(temporary) < share * self.total:
            time.sleep(POLL_SECONDS)
        child.kill()
        _, said = child.communicate()
        if child.returncode >= 0:
            last = (said.strip().splitlines() or ["nothing was said"])[-1]
            raise ChildError(f"a run was over before it could be killed: {last}")
        kept = find_uncommitted(open_storage(str(table)), [], self.contract)
        return _done(temporary) - sum(file.receipt.rows for file in kept)

    def idle(self) -> tuple[float, float]:
        """Seconds that two workers idle, summed, and seconds from first shard to last."""
        table = self.ours.folder / "finished"
        shutil.rmtree(table, ignore_errors=True)
        report, _ = self.ours.extract(self.images, table, *POOLED, *self.more, *TWO_WORKERS)
        seconds = float(report["extract_seconds"])
        return 2 * seconds - sum(report["waits"].values()), seconds


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    choice = base_choice(options)
    ours = ProjectRun(choice, options.engine, folder)
    few = repeat_images(options.input, folder / "few", WARM_UP_IMAGES)
    warm = [folder / "warm-up", folder / "warm-up-of-two"]
    chosen = [
        ours.extract(few, table, *POOLED, *flags)[0]["engine"]
        for table, flags in zip(warm, ((), TWO_WORKERS), strict=True)
    ]
    contract = FeatureTable.open(str(warm[0])).contract
    images = repeat_images(options.input, folder / "images", options.images)
    by_bytes = ("--shard_size", str(_rows_by_bytes(choice)))
    ways = {
        "by bytes": _Way(ours, images, options.images, contract, by_bytes),
        "by bytes, time and workers": _Way(ours, images, options.images, contract, ()),
    }
    shares = [(number + 1) / (options.repeats + 1) for number in range(options.repeats)]
    lost = {name: [way.lost(share) for share in shares] for name, way in ways.items()}
    ends = take_in_turn({name: way.idle for name, way in ways.items()}, options.repeats)
    idle = {name: [each for each, _ in runs] for name, runs in ends.items()}
    seconds = {name: [each for _, each in runs] for name, runs in ends.items()}
    columns = ("shards", "median", "least", "most")
    killed = ", ".join(f"{share:.0%}" for share in shares)
    return Result(
        "Shards",
        {
            **choice.settings(),
            "pooling": "avg",
            "images": options.images,
            "repeats": options.repeats,
            "engines": " and ".join(dict.fromkeys(chosen)),
        },
        [
            Table(f"Images to do again after a kill at {killed}", columns, _rows(lost)),
            Table("Seconds that two workers idle, both together", columns, _rows(idle)),
            Table("Seconds from first shard to last, two workers", columns, _rows(seconds)),
        ],
        {"lost": lost, "idle": idle, "seconds": seconds},
    )


def _rows_by_bytes(choice: BaseChoice) -> int:
    """The rule that was: nothing but bytes, in whole batches."""
    length = base_named(choice.base).feature_shape[-1]
    return max(1, SHARD_BYTES // (4 * length * DEFAULT_BATCH_SIZE)) * DEFAULT_BATCH_SIZE


def _rows(taken: dict[str, list[float]] | dict[str, list[int]]) -> list[tuple[str | float, ...]]:
    return [(name, *spread(list(map(float, values)))) for name, values in taken.items()]


def _done(temporary: Path) -> int:
    files = list(temporary.glob("*/progress"))
    return sum(ProgressFile(str(file)).read_from(0)[0] for file in files)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
