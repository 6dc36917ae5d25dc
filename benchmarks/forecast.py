"""What `pipelines.plan` forecasts, against what `pipelines.extract` then takes, in turn.

Each repeat plans first and extracts then, each in a process of its own with the same options, the
engine having been chosen by an earlier run. Images should not repeat: a photograph's features
compress to nothing beside themselves. Ratios are measured over forecast: above 1, the run
took more than was said.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.alternating import spread
from benchmarks.base_choice import SHARED, add_base_options, base_choice
from benchmarks.child import run_module
from benchmarks.images import repeat_images
from benchmarks.project_run import ProjectRun
from benchmarks.result import Result, Table, show
from pipelines.cli import Parser, local_path, positive_number, positive_real, run_command

FIGURES = ("seconds", "images/s", "peak MB", "stored MB")


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_forecast, argv)


def _forecast(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.forecast", description=__doc__)
    parser.add_argument("--input", type=local_path, default=SHARED / "images/cats_and_dogs_small")
    parser.add_argument("--images", type=positive_number, nargs="+", default=[400, 1800])
    parser.add_argument("--repeats", type=positive_number, default=5)
    parser.add_argument("--engine", default="auto", help="this project's engine")
    parser.add_argument("--seconds", type=positive_real, help="what --seconds of the plan gets")
    parser.add_argument("--json", type=local_path, help="also write the result here")
    add_base_options(parser)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        show(_measure(options, Path(folder)), options.json)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One repeat: `FIGURES` as they were forecast, and as they were measured then."""

    forecast: tuple[float, ...]
    measured: tuple[float, ...]


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    choice = base_choice(options)
    ours = ProjectRun(choice, options.engine, folder)
    engine, _ = ours.warm_up(options.input)
    seconds = [] if options.seconds is None else ["--seconds", options.seconds]
    pairs: dict[int, list[_Pair]] = {}
    for number in options.images:
        images = repeat_images(options.input, folder / f"images-{number}", number)
        pairs[number] = [_repeat(ours, images, seconds) for _ in range(options.repeats)]
    columns = ("figure", "forecast", "measured", "ratio", "least", "most")
    return Result(
        "Forecast and run",
        {**choice.settings(), "repeats": options.repeats, "engine": engine},
        [Table(f"{number} images", columns, _rows(each)) for number, each in pairs.items()],
        {str(n): [(p.forecast, p.measured) for p in each] for n, each in pairs.items()},
    )


def _repeat(ours: ProjectRun, images: Path, seconds: Sequence[object]) -> _Pair:
    plan, report, peak = (ours.folder / name for name in ("plan.json", "report.json", "peak"))
    table = ours.folder / "table"
    given = ["--input", images, "--engine", ours.engine, *ours.choice.arguments()]
    run_module("pipelines.plan", *given, *seconds, "--json", plan, environment=ours.environment)
    planned = json.loads(plan.read_text(encoding="utf-8"))
    said = planned["forecast"]

    shutil.rmtree(table, ignore_errors=True)
    command = [peak, "pipelines.extract", *ours.arguments(images, table), "--json", report]
    run = run_module("benchmarks.peak_memory", *command, environment=ours.environment)
    found = json.loads(report.read_text(encoding="utf-8"))
    stored = sum(path.stat().st_size for path in (table / "data").iterdir())
    return _Pair(
        (
            said["seconds"],
            said["images_per_second"],
            (said["worker_bytes"] + said["driver_bytes"]) / 1e6,
            said["bytes_stored"] / 1e6,
        ),
        (
            run.seconds,
            found["attempted"] / found["extract_seconds"],
            int(peak.read_text(encoding="utf-8")) * 1024 / 1e6,
            stored / 1e6,
        ),
    )


def _rows(pairs: Sequence[_Pair]) -> list[tuple[str | float, ...]]:
    rows: list[tuple[str | float, ...]] = []
    for place, name in enumerate(FIGURES):
        said = [pair.forecast[place] for pair in pairs]
        found = [pair.measured[place] for pair in pairs]
        ratios = [b / a for a, b in zip(said, found, strict=True)]
        rows.append((name, spread(said)[0], spread(found)[0], *spread(ratios)))
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
