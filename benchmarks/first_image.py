"""From the command to its first features, and to the committed table of a small increment.

The command is run unchanged. Its workers note every finished batch in a progress file, in the
temporary folder that this benchmark gives them; the first note is the moment at which the first
images have their features. They come a batch at a time, so the time of a whole batch is in it.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.alternating import spread
from benchmarks.base_choice import SHARED, add_base_options, base_choice
from benchmarks.child import ChildError, start_module
from benchmarks.images import repeat_images
from benchmarks.project_run import WARM_UP_IMAGES, ProjectRun
from benchmarks.result import Result, Table, show
from pipelines.cli import Parser, local_path, positive_number, run_command

POLL_SECONDS = 0.01


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_first_image, argv)


def _first_image(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.first_image", description=__doc__)
    parser.add_argument("--input", type=local_path, default=SHARED / "images/original")
    parser.add_argument("--images", type=positive_number, default=WARM_UP_IMAGES)
    parser.add_argument("--repeats", type=positive_number, default=5)
    parser.add_argument("--engine", default="auto", help="this project's engine")
    parser.add_argument("--json", type=local_path, help="also write the result here")
    add_base_options(parser)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        show(_measure(options, Path(folder)), options.json)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    choice = base_choice(options)
    ours = ProjectRun(choice, options.engine, folder)
    engine, _ = ours.warm_up(options.input)
    images = repeat_images(options.input, folder / "images", options.images)
    runs = [_watch(ours, images, folder) for _ in range(options.repeats)]
    firsts, ends = zip(*runs, strict=True)
    rows = [("first batch's features", *spread(firsts)), ("table committed", *spread(ends))]
    return Result(
        "Time to the first image",
        {**choice.settings(), "images": options.images, "engine": engine},
        [Table("Seconds since the command was given", ("until", "median", "least", "most"), rows)],
        {"first": list(firsts), "end": list(ends)},
    )


def _watch(ours: ProjectRun, images: Path, folder: Path) -> tuple[float, float]:
    table, temporary = folder / "table", folder / "temporary"
    for each in (table, temporary):
        shutil.rmtree(each, ignore_errors=True)
    temporary.mkdir()
    environment = {**ours.environment, "TMPDIR": str(temporary)}
    first = None
    started = time.perf_counter()
    child = start_module(
        "pipelines.extract", *ours.arguments(images, table), environment=environment
    )
    # What it says fits into the pipe many times over, so it need not be read meanwhile.
    while child.poll() is None:
        if first is None and _noted(temporary):
            first = time.perf_counter() - started
        time.sleep(POLL_SECONDS)
    end = time.perf_counter() - started
    _, said = child.communicate()
    if child.returncode != 0 or first is None:
        last = (said.strip().splitlines() or ["nothing was said"])[-1]
        raise ChildError(f"no progress was seen of an extraction that ended with: {last}")
    return first, end


def _noted(temporary: Path) -> bool:
    for file in temporary.glob("*/progress"):
        try:
            if file.stat().st_size:
                return True
        except FileNotFoundError:
            continue
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
