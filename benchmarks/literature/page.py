"""The page of results, made of what the ways' commands wrote: no number of it is typed."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.literature.ways import WAYS, Way
from benchmarks.report import as_markdown_table, describe_machine

Results = Mapping[str, Mapping[str, Any]]
"""By name, what steps and ways wrote."""

COLUMNS = ("way", "literature", "validation", "test", "CPU minutes", "through the base", "stored")

INTRODUCTION = """# The literature's ways, side by side

Made by `python -m benchmarks.literature` from the JSON files in `docs/literature/`, which its
commands wrote; no number on this page was typed. The literature is Chollet, *Deep Learning with
Python* (2017), sections 5.2 and 5.3; its figures are validation accuracies on the same 4,000
photographs of cats and dogs."""

LEGEND = """`validation` and `test` are accuracies, means over seeds. `CPU minutes` are
those of all processors: of the extractions that a way needs, and of one training. `through the
base` counts images that ran through the frozen base (or through the whole convnet), and `stored`
are the features on disk."""


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
        listed = ", ".join(way.title for way in missing)
        parts.append(f"Not run yet: {listed}.")
    parts.append(f"![Validation accuracy of each way over its epochs]({picture})")
    parts.append("## The commands\n\n" + "\n".join(_commands(gone, results)))
    machines = dict.fromkeys(describe_machine(each["machine"]) for each in results.values())
    parts += ["## The machine", *machines]
    return "\n\n".join(parts) + "\n"


def _row(way: Way, results: Results) -> tuple[str, ...]:
    runs = results[way.name]["runs"]
    steps = [results[step.name] for step in way.steps]
    cpu = sum(step["cpu_seconds"] for step in steps) + mean(run["cpu_seconds"] for run in runs)
    through = sum(step["images_through_base"] for step in steps)
    through += round(mean(run["images_through_base"] for run in runs))
    seeds = f" ({len(runs)} seeds)" if len(runs) > 1 else ""
    return (
        way.title + seeds,
        way.figure,
        f"{mean(run['validation'] for run in runs):.3f}",
        f"{mean(run['test'] for run in runs):.3f}",
        f"{cpu / 60:.1f}",
        f"{through:,}",
        f"{steps[-1]['bytes'] / 1e6:,.0f} MB" if steps else "-",
    )


def _commands(gone: list[Way], results: Results) -> list[str]:
    steps = dict.fromkeys(step.name for way in gone for step in way.steps)
    lines = [f"- `{results[name]['command']}`" for name in steps]
    lines += [f"- {way.title}: `{results[way.name]['command']}`" for way in gone]
    return lines
