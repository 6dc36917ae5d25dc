"""Peak resident memory of `pipelines.extract` on few images and on many."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.base_choice import SHARED, add_base_options, base_choice
from benchmarks.child import run_module
from benchmarks.images import repeat_images
from benchmarks.project_run import ProjectRun
from benchmarks.result import Result, Table, show
from pipelines.cli import Parser, local_path, positive_number, run_command


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_memory, argv)


def _memory(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--input", type=local_path, default=SHARED / "images/original")
    parser.add_argument("--few", type=positive_number, default=600, help="images")
    parser.add_argument("--many", type=positive_number, default=6000, help="images")
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
    peaks = {}
    for number in (options.few, options.many):
        images = repeat_images(options.input, folder / f"images-{number}", number)
        arguments = ours.arguments(images, folder / f"table-{number}")
        file = folder / "peak"
        run_module(
            "benchmarks.peak_memory",
            file,
            "pipelines.extract",
            *arguments,
            environment=ours.environment,
        )
        peaks[number] = int(file.read_text(encoding="utf-8")) * 1024
    few = peaks[options.few]
    rows = [(number, peak / 1e9, peak / few) for number, peak in peaks.items()]
    return Result(
        "Peak memory of extraction",
        {**choice.settings(), "engine": engine},
        [Table("Resident memory of the one process", ("images", "peak GB", "ratio"), rows)],
        {"bytes": {str(number): peak for number, peak in peaks.items()}},
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
