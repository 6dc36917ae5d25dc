"""Whether the way from decoding threads to a fast base costs anything: a stand-in for a card.

The stand-in waits for as long as a card would compute, without holding Python's lock, and returns
features of no use. Files are read, decoded and gathered into batches as a worker does it. Against
it: the threads alone, and the stand-in alone. The slower of these is the most that both can reach
together, and the share of it is what the transport leaves. Where decoding is the slower one, so is
what decoding takes of the processor's time.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.alternating import spread, take_in_turn
from benchmarks.base_choice import SHARED
from benchmarks.images import repeat_images
from benchmarks.result import Result, Table, show
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.engines.extraction import BATCHES_AHEAD, extract_images
from pipelines.errors import UsageError
from pipelines.images.decode import PixelSpec
from pipelines.images.listing import list_images
from pipelines.images.loading import load_images
from pipelines.planning.job import DEFAULT_BATCH_SIZE
from pipelines.records import ImageRef

SIZE = 150
FEATURES = 512


class StandIn:
    """An engine that takes its time and the processor's not."""

    name = "stand-in"
    feature_shape: tuple[int, ...] = (FEATURES,)

    def __init__(self, seconds: float, batch_size: int = DEFAULT_BATCH_SIZE) -> None:
        """Take so many seconds an image."""
        self.batch_size, self._seconds = batch_size, seconds

    def extract(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Wait as long as a card would compute."""
        time.sleep(self._seconds * len(images))
        return np.zeros((len(images), FEATURES), np.float32)

    def shrink(self, failed: int) -> None:
        """Never needed: nothing is computed."""


class Taken(NamedTuple):
    """Seconds of the clock, and of the processor, to which other programs add nothing."""

    clock: float
    processor: float


@dataclass(frozen=True, slots=True)
class Way:
    """What is measured on some cores.

    Attributes:
        refs: the images.
        cores: that this process may use meanwhile; as many threads decode.
        milliseconds: that the stand-in takes an image.
    """

    refs: Sequence[ImageRef]
    cores: frozenset[int]
    milliseconds: float

    def decoding(self) -> Taken:
        """Reading and decoding alone."""
        threads = len(self.cores)
        ahead = BATCHES_AHEAD * DEFAULT_BATCH_SIZE
        images = load_images(self.refs, PixelSpec(SIZE, "bilinear", "ignored"), threads, ahead)
        return self._taken(lambda: sum(1 for _ in images))

    def base(self) -> Taken:
        """The stand-in alone."""
        engine = StandIn(self.milliseconds / 1e3)
        pixels = np.zeros((engine.batch_size, SIZE, SIZE, 3), np.uint8)
        calls = len(self.refs) // engine.batch_size
        return self._taken(lambda: sum(len(engine.extract(pixels)) for _ in range(calls)))

    def both(self) -> Taken:
        """From files to features."""
        pixels, engine = PixelSpec(SIZE, "bilinear", "ignored"), StandIn(self.milliseconds / 1e3)
        batches = extract_images(self.refs, engine, pixels, len(self.cores))
        return self._taken(lambda: sum(len(each.block.sources) for each in batches))

    def _taken(self, work: Callable[[], int]) -> Taken:
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.cores)  # threads begun from here on inherit it
        try:
            started, used = time.perf_counter(), time.process_time()
            done = work()
            taken = Taken(time.perf_counter() - started, time.process_time() - used)
        finally:
            os.sched_setaffinity(0, before)
        if done < len(self.refs):
            raise UsageError(f"{len(self.refs) - done} of the images cannot be used")
        return taken


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_transport, argv)


def _transport(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.transport", description=__doc__)
    parser.add_argument("--input", type=local_path, default=SHARED / "images/original")
    parser.add_argument("--images", type=positive_number, default=1920)
    parser.add_argument("--repeats", type=positive_number, default=5)
    parser.add_argument("--milliseconds", type=float, default=0.3, help="of the base, an image")
    parser.add_argument("--json", type=local_path, help="also write the result here")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        show(_measure(options, Path(folder)), options.json)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    if options.images % DEFAULT_BATCH_SIZE:
        raise UsageError(f"--images {options.images}: take whole batches of {DEFAULT_BATCH_SIZE}")
    images = repeat_images(options.input, folder / "images", options.images)
    refs = list_images(str(images))
    rows, raw = [], {}
    usable = sorted(os.sched_getaffinity(0))
    for cores in range(1, len(usable) + 1):
        way = Way(refs, frozenset(usable[:cores]), options.milliseconds)
        ways = {"decoding": way.decoding, "base": way.base, "both": way.both}
        taken = take_in_turn(ways, options.repeats)
        raw[str(cores)] = {name: [list(each) for each in found] for name, found in taken.items()}
        rates = [len(refs) / statistics.median(t.clock for t in taken[name]) for name in ways]
        rounds = [*zip(*taken.values(), strict=True)]
        shares = [max(decode.clock, base.clock) / both.clock for decode, base, both in rounds]
        used = [decode.processor / both.processor for decode, _, both in rounds]
        rows.append((cores, *rates, *spread(shares), *spread(used)))
    names = ("decoding", "base", "both", "share", "least", "most")
    columns = ("cores", *names, "of processor time", "least", "most")
    settings = {name: getattr(options, name) for name in ("images", "repeats", "milliseconds")}
    caption = "Images a second, and the share of the slower of the two that both reach"
    return Result("Transport to a fast base", settings, [Table(caption, columns, rows)], raw)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
