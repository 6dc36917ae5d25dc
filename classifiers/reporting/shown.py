"""Values as a page shows them: plain, visible, without secrets, and JSON at last."""

import json
import math
from collections.abc import Sequence
from typing import Any

from pipelines.redaction import redacted
from pipelines.reports import Grid, Part
from pipelines.visible import LONGEST_CELL, in_one_line


def shown(value: object) -> str:
    """A value for people, in one line; characters that a browser would obey are escapes."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4f}"
    return in_one_line(redacted(str(value)), LONGEST_CELL)


def parts_shown(parts: Sequence[Part]) -> list[Any]:
    """The parts of a report: text, or a grid's header and rows of text."""
    return [
        {
            "header": [shown(name) for name in part.header],
            "rows": [[shown(cell) for cell in row] for row in part.rows],
        }
        if isinstance(part, Grid)
        else redacted(part)
        for part in parts
        if part
    ]


def as_script(data: object) -> str:
    """JSON that may stand between the tags of a script element, whatever the texts in it hold.

    Raises:
        ValueError: a number in it is not finite.
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    # "</script" would end the element, "<!--" change how its end is looked for.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def numbers(values: Sequence[float], digits: int = 4) -> list[float | None]:
    """Numbers rounded; None for what is not finite, which JSON has no word for."""
    return [round(float(each), digits) if math.isfinite(each) else None for each in values]
