"""Benchmarks' JSON files as Markdown: `python -m benchmarks.report build/bench-*.json`."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.result import Cell, describe_settings
from pipelines.cli import Parser, local_path, run_command
from pipelines.errors import InputError


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    return run_command(_report, argv)


def _report(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument(
        "files", nargs="+", type=local_path, help="what benchmarks wrote with --json"
    )
    print(as_markdown([_read(path) for path in parser.parse_args(argv).files]))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(result, dict) or not {"title", "tables", "machine"} <= result.keys():
        raise InputError(f"{path} is no benchmark's result; make one with --json")
    return result


def as_markdown(results: Sequence[Mapping[str, Any]]) -> str:
    """The machines that the results are from, then a section for each result."""
    machines = dict.fromkeys(describe_machine(result["machine"]) for result in results)
    return "\n\n".join([*machines, *(_section(result) for result in results)])


def _section(result: Mapping[str, Any]) -> str:
    load = result["machine"]["load_of_15_minutes"]
    settings = describe_settings({**result["settings"], "load": load})
    parts = [f"### {result['title']}", f"{settings[0].upper()}{settings[1:]}."]
    for table in result["tables"]:
        parts += [f"{table['caption']}:", as_markdown_table(table["columns"], table["rows"])]
    return "\n\n".join(parts)


def as_markdown_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Rows as a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Cell) -> str:
    """Three digits that count, or all before the point."""
    if value is None:
        return "-"
    if isinstance(value, float):
        decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        return f"{value:,.{3 if abs(value) < 1 else decimals}f}"
    return f"{value:,}" if isinstance(value, int) else value


def describe_machine(facts: Mapping[str, Any]) -> str:
    """What `machine_facts` found, in a line."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return (
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, "
        f"{facts['system']}; {versions}."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
