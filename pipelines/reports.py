"""What a command has to say when it is done: text for a terminal, HTML for a notebook, JSON."""

import html
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.redaction import redacted
from pipelines.visible import LONGEST_CELL, in_one_line, visible


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells.

    Attributes:
        rows: the cells; all rows are as long.
        header: what stands above the columns; empty for rows that name themselves.
    """

    rows: Sequence[Sequence[object]]
    header: Sequence[str] = ()


Part = Grid | str
"""A grid, or lines of text; "" is an empty line."""


class Report(ABC):
    """The result of a command: printed it is what the command prints, in a notebook it is HTML."""

    __slots__ = ()

    @abstractmethod
    def parts(self) -> Sequence[Part]:
        """What is said, in order."""

    @abstractmethod
    def as_json(self) -> dict[str, Any]:
        """What `--json` writes."""

    def __str__(self) -> str:
        shown = (
            format_table(part.rows, part.header) if isinstance(part, Grid) else part
            for part in self.parts()
        )
        return visible(redacted("\n".join(shown)))

    def _repr_mimebundle_(self, **kinds: object) -> dict[str, str]:
        """What a notebook keeps: its text would else be the values of all fields, pages of them."""
        return {"text/plain": str(self), "text/html": self._repr_html_()}

    def _repr_html_(self) -> str:
        return redacted("\n".join(_as_html(part) for part in self.parts() if part))


def format_table(rows: Sequence[Sequence[object]], header: Sequence[str] = ()) -> str:
    """Rows as aligned columns of text: numbers to the right, everything else to the left."""
    cells = [[_cell(value) for value in row] for row in ([header] if header else []) + list(rows)]
    if not cells:
        return ""
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    numeric = _numeric(rows, len(widths))
    lines = []
    for row in cells:
        columns = zip(row, widths, numeric, strict=True)
        lines.append("  ".join(c.rjust(w) if n else c.ljust(w) for c, w, n in columns).rstrip())
    if header:
        lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _as_html(part: Part) -> str:
    if isinstance(part, str):
        return f"<pre>{html.escape(part)}</pre>"
    numeric = _numeric(part.rows, len(part.rows[0]) if part.rows else 0)
    aligned = [' style="text-align: right"' if n else ' style="text-align: left"' for n in numeric]
    lines = ["<table>"]
    if part.header:
        names = "".join(f"<th>{html.escape(name)}</th>" for name in part.header)
        lines.append(f"<thead><tr>{names}</tr></thead>")
    lines.append("<tbody>")
    for row in part.rows:
        cells = zip(row, aligned, strict=True)
        columns = "".join(f"<td{style}>{html.escape(_cell(value))}</td>" for value, style in cells)
        lines.append(f"<tr>{columns}</tr>")
    return "\n".join([*lines, "</tbody>", "</table>"])


def _numeric(rows: Sequence[Sequence[object]], columns: int) -> list[bool]:
    return [all(isinstance(row[i], int | float | None) for row in rows) for i in range(columns)]


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    return in_one_line(str(value), LONGEST_CELL)
