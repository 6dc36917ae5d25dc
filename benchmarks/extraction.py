"""Extraction from end to end, process start included, against the literature's loop.

`python -m benchmarks.extraction --input IMAGES --weights FILE` runs both in turn on the same files
and prints how much faster this project is; `make bench` does so on the shared photographs.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.alternating import time_in_turn
from pipelines.command import format_table, write_json

SHARED = Path("../shared")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, default=SHARED / "images/original")
    parser.add_argument(
        "--weights", type=Path, default=SHARED / "weights/vgg16_imagenet_notop.weights.h5"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json")
    options = parser.parse_args()
    if not options.input.is_dir() or not options.weights.is_file():
        parser.error("the shared photographs are not here; give --input and --weights")

    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        common = ["--input", str(options.input), "--weights", str(options.weights)]
        ways = {
            "the literature's loop": partial(_loop, common, folder / "features.npy"),
            "pipelines.extract": partial(_extract, common, folder / "features"),
        }
        timings = time_in_turn(ways, options.repeats)

    rows = [
        (name, each.median_seconds, each.median_ratio, min(each.ratios), max(each.ratios))
        for name, each in timings.items()
    ]
    print(format_table(rows, ("way", "median s", "ratio", "least", "most")))
    result = {
        name: {"seconds": list(each.seconds), "ratios": list(each.ratios)}
        for name, each in timings.items()
    }
    if options.json:
        Path(options.json).parent.mkdir(parents=True, exist_ok=True)
    write_json(options.json, result)


def _loop(common: list[str], output: Path) -> None:
    _run("benchmarks.literature_loop", *common, "--output", str(output))


def _extract(common: list[str], table: Path) -> None:
    shutil.rmtree(table, ignore_errors=True)
    _run("pipelines.extract", *common, "--table", str(table))


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", *arguments], check=True, capture_output=True)


if __name__ == "__main__":
    main()
