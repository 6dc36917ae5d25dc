"""How much of the bare engine's rate is left when images come from files and rows go to a file.

Between the first and the last batch of one long shard, so that starting up does not count: images
are read, decoded, run through the engine and encoded, as `pipelines.shards.shard` does it. Against
it, the engine alone on pixels that lie ready in memory. Both in one process, in turn.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.alternating import measure_in_turn, spread
from benchmarks.base_choice import SHARED, add_base_options, base_choice
from benchmarks.images import repeat_images
from benchmarks.project_run import ProjectRun
from benchmarks.result import Result, Table, show
from pipelines.bases import parse_weights
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.contract import Contract
from pipelines.engines.engine import Engine
from pipelines.engines.extraction import extract_images
from pipelines.engines.opening import open_engine
from pipelines.engines.request import EngineRequest
from pipelines.errors import UsageError
from pipelines.images.decode import pixel_spec
from pipelines.images.listing import list_images
from pipelines.images.loading import LoadedImage, load_image
from pipelines.planning.job import DEFAULT_BATCH_SIZE
from pipelines.records import ImageRef
from pipelines.table.feature_table import FeatureTable
from pipelines.table.files import FeatureFileWriter
from pipelines.table.storage import open_storage


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_steady_state, argv)


def _steady_state(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.steady_state", description=__doc__)
    parser.add_argument("--input", type=local_path, default=SHARED / "images/original")
    parser.add_argument("--images", type=positive_number, default=600, help="of the one shard")
    parser.add_argument("--repeats", type=positive_number, default=5)
    parser.add_argument("--engine", default="auto", help="this project's engine")
    parser.add_argument("--json", type=local_path, help="also write the result here")
    add_base_options(parser)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        show(_measure(options, Path(folder)), options.json)


@dataclass(frozen=True, slots=True)
class LongShard:
    """One long shard, and all that is needed to run it.

    Attributes:
        refs: its images.
        contract: what is computed of them.
        engine: by which; open.
        table: folder that the feature file is written to.
    """

    refs: Sequence[ImageRef]
    contract: Contract
    engine: Engine
    table: Path

    @property
    def counted(self) -> int:
        """Images between the end of the first batch and the end of the last."""
        return len(self.refs) - self.engine.batch_size

    def run(self) -> float:
        """Seconds for the images counted, from their files to a feature file."""
        storage = open_storage(str(self.table))
        marks = []
        # Without a receipt the file is taken away again; no run ends up with it.
        with FeatureFileWriter(storage, "shard.parquet", self.contract) as writer:
            for each in extract_images(self.refs, self.engine, pixel_spec(self.contract)):
                writer.write(each.block)
                marks.append(time.perf_counter())
        return marks[-1] - marks[0]

    def pixels(self) -> npt.NDArray[np.uint8]:
        """The images that are counted, decoded."""
        loaded = (load_image(ref, pixel_spec(self.contract)) for ref in self.refs[: self.counted])
        return np.stack([each.pixels for each in loaded if isinstance(each, LoadedImage)])


def warmed_up(options: argparse.Namespace, folder: Path) -> tuple[str, LongShard]:
    """The engine that this project chooses, by name, and a shard of no images yet with it open.

    Args:
        options: the benchmark's: input, engine, and of the base.
        folder: to work in.
    """
    choice = base_choice(options)
    ours = ProjectRun(choice, options.engine, folder)
    chosen, warm_table = ours.warm_up(options.input)
    os.environ.update(ours.environment)
    contract = FeatureTable.open(str(warm_table)).contract
    engine = open_engine(
        EngineRequest(contract, parse_weights(choice.weights), DEFAULT_BATCH_SIZE, None, chosen)
    )
    return chosen, LongShard((), contract, engine, folder / "table")


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    chosen, empty = warmed_up(options, folder)
    engine = empty.engine
    images = repeat_images(options.input, folder / "images", options.images)
    shard = replace(empty, refs=list_images(str(images)))
    if shard.counted < engine.batch_size:
        raise UsageError(f"--images {options.images}: take at least {2 * engine.batch_size}")
    pixels = shard.pixels()
    engine.extract(pixels[: engine.batch_size])  # what is compiled at the first call

    timings = measure_in_turn(
        {"bare engine": lambda: _bare(engine, pixels), "pipeline": shard.run}, options.repeats
    )
    rows = [
        (name, each.median_seconds, shard.counted / each.median_seconds, *spread(each.ratios))
        for name, each in timings.items()
    ]
    columns = ("what", "median s", "images/s", "ratio", "least", "most")
    return Result(
        "Steady state",
        {
            **base_choice(options).settings(),
            "images": options.images,
            "repeats": options.repeats,
            "engine": chosen,
        },
        [Table("Files to features, against the engine on ready arrays", columns, rows)],
        {name: list(each.seconds) for name, each in timings.items()},
    )


def _bare(engine: Engine, pixels: npt.NDArray[np.uint8]) -> float:
    started = time.perf_counter()
    for start in range(0, len(pixels), engine.batch_size):
        engine.extract(pixels[start : start + engine.batch_size])
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
