"""Doing a step or a way, and keeping what it gave and what it cost as JSON."""

import csv
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.literature.costs import Cost, run_command
from benchmarks.literature.ways import Step, Way
from benchmarks.machine import machine_facts
from pipelines.drafts import write_whole


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are.

    Attributes:
        images: the photographs, `split/label/image`.
        weights: of the base, as `--weights` takes them.
        size: of the images, as `--image_size` takes it; None for each way's own.
        work: for tables and models; several GB.
        results: for the JSON that is kept.
    """

    images: Path
    weights: str
    size: int | None
    work: Path
    results: Path

    def result(self, name: str) -> Path:
        """Where the result of that name is kept."""
        return self.results / f"{name}.json"

    def table(self, step: Step) -> Path:
        """Where a step's table is."""
        return self.work / "tables" / step.table

    @property
    def sized(self) -> list[str]:
        """The option that says the images' size."""
        return [] if self.size is None else ["--image_size", str(self.size)]


def take_step(step: Step, place: Place) -> None:
    """Extract, unless it was done into a table that is still there; keeps bytes and costs."""
    done = place.work / f"{step.name}.done"
    if place.result(step.name).exists() and done.exists():
        return
    arguments = ["--input", place.images, "--table", place.table(step), "--weights", place.weights]
    arguments += [*place.sized, *step.arguments()]
    cost, report = _with_json("pipelines.extract", arguments)
    stored = sum(path.stat().st_size for path in (place.table(step) / "data").iterdir())
    result = {
        "command": _shown("pipelines.extract", ["--input", "IMAGES", *step.arguments()]),
        "images_through_base": report["attempted"],
        "bytes": stored,
        "engine": report["engine"],
        **asdict(cost),
    }
    _keep(place, step.name, result)
    done.touch()


def go_way(way: Way, place: Place, more: tuple[str, ...] = ()) -> None:
    """Train with each seed and evaluate, unless it was done.

    Args:
        way: the way.
        place: where its tables are, and what is kept.
        more: further options of the training, which go before its own.
    """
    if place.result(way.name).exists():
        return
    runs = [_train(way, place, seed, more) for seed in way.seeds]
    shown = ["--from_images", "IMAGES"] if way.reads_images else ["--table", "TABLE"]
    result = {
        "command": _shown("classifiers.train", [*shown, *way.training()]),
        "steps": [step.name for step in way.steps],
        "runs": runs,
    }
    _keep(place, way.name, result)


def _train(way: Way, place: Place, seed: int, more: tuple[str, ...]) -> dict[str, Any]:
    # Not a temporary folder: what a killed training left beside its model is found again.
    model = _made(place.work / "models") / f"{way.name}-{seed}"
    if way.reads_images:
        source = ["--from_images", place.images]
        measured = ["--input", place.images]
        base = [] if "convnet" in way.options else ["--weights", place.weights]
        source += [*place.sized, *base]
    else:
        source = measured = ["--table", place.table(way.steps[-1])]
        source = [*source, *(["--weights", place.weights] if "finetune" in way.options else [])]
    arguments = [*source, "--model", model, "--seed", seed, "--overwrite", *more, *way.training()]
    cost, card = _with_json("classifiers.train", arguments)
    _, test = _with_json("classifiers.evaluate", [*measured, "--model", model])
    with (model / "history.csv").open(encoding="utf-8") as file:
        history = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
    # The clock saw the last process alone; the card has the time of those before it too.
    whole = Cost(
        max(cost.seconds, card["seconds"]), max(cost.cpu_seconds, card["cpu_seconds"] or 0.0)
    )
    shutil.rmtree(model)
    return {
        "seed": seed,
        "validation": card["metrics"]["validation"]["accuracy"],
        "test": test["accuracy"],
        "images_through_base": (card["images"] or {}).get("through_base", 0),
        "settings": card["settings"],
        "history": history,
        **asdict(whole),
    }


def _with_json(module: str, arguments: list[Any]) -> tuple[Cost, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.json"
        cost = run_command(module, [*arguments, "--json", path])
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cost, result


def _keep(place: Place, name: str, result: dict[str, Any]) -> None:
    path = place.result(name)
    _made(path.parent)
    text = json.dumps({**result, "machine": machine_facts()}, indent=1)
    write_whole(path, f"{text}\n".encode())


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _shown(module: str, arguments: list[str]) -> str:
    return " ".join(["python -m", module, *arguments])
