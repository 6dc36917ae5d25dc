"""Text of a column that another program wrote: one rule for all inputs that have columns."""

import re

import pyarrow as pa
import pyarrow.compute as pc

_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")


def texts_of(column: pa.Array | pa.ChunkedArray) -> list[str | None]:
    """The values as text, all digits of numbers; None for what is missing, NaN among it.

    Raises:
        ValueError: they are no text, or not UTF-8.
    """
    numbers = pa.types.is_floating(column.type)
    try:
        if numbers:
            column = pc.if_else(pc.is_nan(column), None, column)
        values: list[str | None] = column.cast(pa.string()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    if numbers:  # Arrow writes 3e+15 where others write all digits
        values = [None if value is None else str(float(value)) for value in values]
    return values


def plain_text(value: str | None) -> str | None:
    """A label, split or group without spaces around it, whole numbers as such; None for none."""
    text = (value or "").strip()
    whole = _WHOLE.fullmatch(text)
    return (whole[1] if whole else text) or None
