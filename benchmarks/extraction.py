"""Extraction end to end, process start included, by this project and by three rivals in turn.

`python -m benchmarks.extraction` runs on the same files (a) the book's loop, (b) a
well-written `tf.data` loop, (c) ONNX Runtime on the exported base, (d) this project, whose engine
was chosen by an earlier run, and, where it is named, (e) this project in int8, which quantises the
base anew each time. The rivals save a `.npy` file; this project commits a table.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from benchmarks.agreement import read_features
from benchmarks.alternating import Timing, measure_in_turn, spread
from benchmarks.base_choice import SHARED, add_base_options, base_choice
from benchmarks.child import run_module
from benchmarks.images import repeat_images
from benchmarks.project_run import ProjectRun
from benchmarks.result import Result, Table, show
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.engines.trial import largest_error
from pipelines.errors import UsageError

WAYS = {
    "a": "the book's loop",
    "b": "tf.data + tf.function",
    "c": "ONNX Runtime",
    "d": "this project",
    "e": "this project in int8",
}
OURS = {"d": (), "e": ("--compute_dtype", "int8", "--engine", "openvino")}
"""Further options of the extraction."""

MODULES = {
    "a": "benchmarks.literature_loop",
    "b": "benchmarks.tf_data_loop",
    "c": "benchmarks.onnx_loop",
}


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_extraction, argv)


def _extraction(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.extraction", description=__doc__)
    parser.add_argument("--input", type=local_path, default=SHARED / "images/original")
    parser.add_argument("--images", type=positive_number, default=600, help="repeated to so many")
    parser.add_argument("--repeats", type=positive_number, default=5)
    parser.add_argument("--ways", default="a,b,c,d", help="which of them, in which order")
    parser.add_argument("--engine", default="auto", help="this project's engine")
    parser.add_argument("--json", type=local_path, help="also write the result here")
    add_base_options(parser)
    options = parser.parse_args(argv)
    letters = options.ways.split(",")
    _check(letters, options.input)
    with tempfile.TemporaryDirectory() as folder:
        show(_measure(options, letters, Path(folder)), options.json)


def _check(letters: Sequence[str], images: Path) -> None:
    strangers = [letter for letter in letters if letter not in WAYS]
    if strangers:
        raise UsageError(f"--ways has no {strangers[0]!r}; there are {', '.join(WAYS)}")
    if not images.is_dir():
        raise UsageError(f"no folder {images}; give one of images with --input")
    missing = [name for name in ("onnxruntime", "tf2onnx") if find_spec(name) is None]
    if "c" in letters and missing:
        raise UsageError(
            f"way c needs {' and '.join(missing)}; install it, or leave the way out with --ways"
        )


def _measure(options: argparse.Namespace, letters: Sequence[str], folder: Path) -> Result:
    choice = base_choice(options)
    images = repeat_images(options.input, folder / "images", options.images)
    ours = ProjectRun(choice, options.engine, folder)
    settings = {**choice.settings(), "images": options.images, "repeats": options.repeats}
    if "d" in letters:
        settings["engine"], _ = ours.warm_up(options.input)
    if "c" in letters:
        run_module("benchmarks.export_onnx", "--output", folder / "c.onnx", *choice.arguments())

    def rival(letter: str) -> float:
        given = ["--input", images, "--output", folder / f"{letter}.npy", *choice.arguments()]
        model = ["--model", folder / "c.onnx"] if letter == "c" else []
        return run_module(MODULES[letter], *given, *model).seconds

    def project(letter: str) -> float:
        shutil.rmtree(folder / letter, ignore_errors=True)
        _, seconds = ours.extract(images, folder / letter, *OURS[letter])
        return seconds

    ways: dict[str, Callable[[], float]] = {
        letter: partial(project if letter in OURS else rival, letter) for letter in letters
    }
    timings = measure_in_turn(ways, options.repeats)
    outputs = {x: folder / (x if x in OURS else f"{x}.npy") for x in letters}
    reference = read_features(outputs[letters[0]], options.images)
    errors: dict[str, float | None] = {}
    for letter, output in outputs.items():
        features = read_features(output, options.images)
        # Random weights are drawn anew by every way.
        same_weights = choice.weights != "random"
        errors[letter] = largest_error(features, reference) if same_weights else None
    return Result(
        "Extraction end to end",
        settings,
        _tables(timings, errors, options.images),
        {WAYS[letter]: list(each.seconds) for letter, each in timings.items()},
    )


def _tables(
    timings: Mapping[str, Timing], errors: Mapping[str, float | None], images: int
) -> list[Table]:
    first = WAYS[next(iter(timings))]
    rows = [
        (
            WAYS[letter],
            each.median_seconds,
            images / each.median_seconds,
            *spread(each.ratios),
            None if errors[letter] is None else f"{errors[letter]:.1e}",
        )
        for letter, each in timings.items()
    ]
    columns = ("way", "median s", "images/s", "ratio", "least", "most", "largest error")
    tables = [Table(f"Against {first}; features likewise, relative", columns, rows)]
    for ours in (letter for letter in OURS if letter in timings):
        against = [
            (WAYS[letter], *spread(timings[ours].speed_against(each)))
            for letter, each in timings.items()
            if letter != ours
        ]
        title = f"How many times as fast {WAYS[ours]} is"
        tables.append(Table(title, ("as", "median", "least", "most"), against))
    return tables


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
