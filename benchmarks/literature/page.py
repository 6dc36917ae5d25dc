"""The page of results, made of what the ways' commands wrote: no number of it is typed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.literature.ways import WAYS, Way
from benchmarks.report import as_markdown_table, describe_machine

Results = Mapping[str, Mapping[str, Any]]
"""By name, what steps and ways wrote."""

COLUMNS = (
    "way",
    "the book",
    "validation",
    "test",
    "epochs",
    "minutes",
    "CPU minutes",
    "through the base",
    "stored",
)

INTRODUCTION = """# The book's ways, side by side

Made by `python -m benchmarks.literature` from the JSON files in `docs/literature/`, which its
commands wrote; no number on this page was typed. The book is François Chollet's *Deep Learning with
Python* (2017), sections 5.2 and 5.3; its figures are validation accuracies on the same 4,000
photographs of cats and dogs."""

LEGEND = """`validation` and `test` are accuracies, means over seeds (from the least to the
most), and `epochs` passes over the training images, the book's in brackets. `minutes` by the
clock and `CPU minutes` of all processors are those of the extractions that a way needs and of one
training, first to last; some ran side by side, so the clock says how long they took and the
processors what they cost. `through the base` counts images that ran through the pretrained base,
and `stored` are the features on disk. Copies are augmented ones of the training images, stored
beside them, which the book calls impossible; where neither 1/255 nor a convnet is named, the
base has its own preprocessing."""


BELOW_ITS_BEST = 0.03
"""Less of validation, so far below its best epoch, is told: a standard error is about 0.012."""


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """All results of a folder, by name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
    }


def as_page(results: Results, picture: str) -> str:
    """The page as Markdown.

    Args:
        results: of the ways that were gone; the others are named as missing.
        picture: where the curves are, as the page links to them.
    """
    gone = [way for way in WAYS if way.name in results]
    missing = [way for way in WAYS if way.name not in results]
    parts = [INTRODUCTION, as_markdown_table(COLUMNS, [_row(way, results) for way in gone]), LEGEND]
    if missing:
        listed = "; ".join(way.title for way in missing)
        parts.append(f"Not run yet: {listed}.")
    shorter = [_shortness(way, results[way.name]["runs"][0]["history"]) for way in gone]
    if any(shorter):
        parts.append(f"Shorter than wanted so far: {'; '.join(filter(None, shorter))}.")
    better = [_best_epoch(way, results[way.name]["runs"][0]) for way in gone]
    if any(better):
        listed = "; ".join(filter(None, better))
        parts.append(f"Better before their last epoch, as `--keep best` keeps them: {listed}.")
    parts.append(f"![Validation accuracy of each way over its epochs]({picture})")
    parts.append("## The commands\n\n" + "\n".join(_commands(gone, results)))
    machines = dict.fromkeys(describe_machine(each["machine"]) for each in results.values())
    parts += ["## The machine", *machines]
    return "\n\n".join(parts) + "\n"


def _row(way: Way, results: Results) -> tuple[str, ...]:
    runs = results[way.name]["runs"]
    steps = [results[step.name] for step in way.steps]
    seconds, cpu = (
        sum(step[kind] for step in steps) + mean(run[kind] for run in runs)
        for kind in ("seconds", "cpu_seconds")
    )
    through = sum(step["images_through_base"] for step in steps)
    through += round(mean(run["images_through_base"] for run in runs))
    seeds = f" ({len(runs)} seeds)" if len(runs) > 1 else ""
    return (
        way.title + seeds,
        way.figure,
        _accuracy([run["validation"] for run in runs]),
        _accuracy([run["test"] for run in runs]),
        _epochs(runs[0]["history"]),
        f"{seconds / 60:.1f}",
        f"{cpu / 60:.1f}",
        f"{through:,}",
        f"{steps[-1]['bytes'] / 1e6:,.0f} MB" if steps else "-",
    )


def _epochs(history: Sequence[Any]) -> str:
    """How many there were; a head that is fitted in one go has a single row and no epochs."""
    return str(len(history)) if len(history) > 1 else "-"


def _best_epoch(way: Way, run: Mapping[str, Any]) -> str | None:
    """The best epoch of a way whose last one fell well below it."""
    best: Mapping[str, float] = max(
        run["history"], key=lambda row: row.get("val_accuracy", 0.0), default={}
    )
    found = best.get("val_accuracy", 0.0)
    if found < run["validation"] + BELOW_ITS_BEST:
        return None
    return f"{way.title}, {found:.3f} after epoch {best['epoch']:.0f}"


def _shortness(way: Way, history: Sequence[Mapping[str, float]]) -> str | None:
    """How far a way got that was given fewer epochs than it is to have, and what one costs."""
    if way.epochs is None or len(history) >= way.epochs:
        return None
    each = mean(row["cpu_seconds"] for row in history)
    done = f"{len(history)} of {way.epochs} passes"
    return f"{way.title}, {done}, each {each:.0f} seconds of a processor"


def _accuracy(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{mean(values):.4f} ({min(values):.3f} to {max(values):.3f})"


def _commands(gone: list[Way], results: Results) -> list[str]:
    steps = dict.fromkeys(step.name for way in gone for step in way.steps)
    lines = [f"- `{results[name]['command']}`" for name in steps]
    lines += [f"- {way.title}: `{results[way.name]['command']}`" for way in gone]
    return lines
