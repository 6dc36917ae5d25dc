"""Text of a column that another program wrote: one rule for all inputs that have columns."""

import math
import re
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.records import as_label, labels_of

_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")

_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


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


def label_texts(column: pa.Array | pa.ChunkedArray) -> list[str | None]:
    """The values of a column of labels as text: lists as `as_label` has them, others as they are.

    Raises:
        ValueError: they are no text, or not UTF-8.
    """
    kind = column.type
    if not any(test(kind) for test in _LISTS):
        return texts_of(column)
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    found: list[str | None] = []
    for chunk in chunks:
        texts = texts_of(pc.list_flatten(chunk))
        start = 0
        for length in pc.list_value_length(chunk).to_pylist():
            found.append(None if length is None else several(texts[start : start + (length or 0)]))
            start += length or 0
    return found


def several(labels: Iterable[str | None]) -> str:
    """Labels that an input lists, each once and without what is missing, as `as_label` has them."""
    plain = (plain_text(label) for label in labels)
    return as_label([*dict.fromkeys(label for label in plain if label is not None)])


def plain_label(value: str | None) -> str | None:
    """`plain_text`, but of several labels, which are plain."""
    return plain_text(value) if labels_of(value) is None else value


def plain_text(value: str | None) -> str | None:
    """A label, split or group without spaces around it, whole numbers as such; None for none."""
    text = (value or "").strip()
    whole = _WHOLE.fullmatch(text)
    return (whole[1] if whole else text) or None


def json_text(value: object) -> str | None:
    """A value of JSON as text, a list of them as `several`; None for what is missing.

    Raises:
        ValueError: it is an object, or a list holds another one.
    """
    if isinstance(value, list):
        return several(map(_scalar_text, value))
    return _scalar_text(value)


def _scalar_text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, str | int | float | None):
        return None if value is None else str(value)
    raise ValueError("no text")
