"""What a benchmark found: tables for people, raw figures for machines, and where it ran."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import machine_facts
from pipelines.cli import write_json
from pipelines.reports import format_table

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Figures side by side.

    Attributes:
        caption: what they are, in a line.
        columns: their names, with units.
        rows: as many cells each.
    """

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark's outcome.

    Attributes:
        title: what was measured.
        settings: the options that decide the figures.
        tables: what is shown.
        raw: every single figure behind the medians.
    """

    title: str
    settings: Mapping[str, Any]
    tables: Sequence[Table]
    raw: Mapping[str, Any]


def show(result: Result, json_file: Path | None) -> None:
    """Print the tables and, if a file was asked for, write everything to it as JSON."""
    print(f"{result.title} ({describe_settings(result.settings)})")
    for table in result.tables:
        print(f"\n{table.caption}\n{format_table(table.rows, table.columns)}")
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        write_json(str(json_file), {**asdict(result), "machine": machine_facts()})


def describe_settings(settings: Mapping[str, Any]) -> str:
    """Settings in a line."""
    return ", ".join(f"{name} {value}" for name, value in settings.items())
