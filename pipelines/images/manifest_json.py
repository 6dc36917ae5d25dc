"""Reading a manifest's JSON: an object a line, or all of them in one array."""

import io
import json
import re
from collections.abc import Iterator

import pyarrow as pa

from pipelines.images.manifest_columns import Names
from pipelines.images.manifest_csv import in_utf8
from pipelines.images.text_values import json_text, several
from pipelines.records import labels_of

_SPACE = re.compile(r"\s*")


def read_json(content: bytes, _: int, names: Names) -> pa.Table:
    """Read the columns that are ours, as text; what is null, or no number, is null.

    Args:
        content: the file.
        names: of its columns.

    Raises:
        InputError: the columns that are meant are not there.
        ValueError: it is no JSON of rows.
    """
    # Not with Arrow's reader: a line that is no object ends the process (pyarrow 25).
    seen: dict[str, int] = {}
    rows: list[dict[str, str | None]] = []
    no_text: dict[str, str] = {}
    lists: dict[str, str] = {}
    for where, row in _rows(in_utf8(content)):
        if not isinstance(row, dict):
            raise ValueError(f"{where} is no object")
        seen |= dict.fromkeys(row, 0)
        texts: dict[str, str | None] = {}
        for name, value in row.items():
            if names.may_be_ours(name):
                try:
                    texts[name] = json_text(value)
                    if labels_of(texts[name]) is not None:
                        lists.setdefault(name, where)
                except ValueError:
                    no_text.setdefault(name, where)
        rows.append(texts)
    if not rows:
        raise ValueError("it is empty")
    found = names.settle(list(seen))
    for ours, called in found.items():
        wrong = no_text if ours == "label" else lists | no_text
        if called in wrong:
            raise ValueError(f"{wrong[called]} has a {called!r} that is no text")
    columns = {ours: [row.get(called) for row in rows] for ours, called in found.items()}
    if found.get("label") in lists:
        # One label beside lists is a list of one.
        columns["label"] = [
            text if text is None or labels_of(text) is not None else several([text])
            for text in columns["label"]
        ]
    return pa.table({ours: pa.array(texts, pa.string()) for ours, texts in columns.items()})


def _rows(content: bytes) -> Iterator[tuple[str, object]]:
    """The values of a file and where each is, one at a time: objects take many times its bytes."""
    if content.lstrip().startswith(b"["):
        yield from _items(content.decode())
        return
    for number, line in enumerate(io.BytesIO(content), start=1):
        if line.strip():
            try:
                yield f"line {number}", _value(line.decode())[0]
            except json.JSONDecodeError as error:
                raise ValueError(
                    f"line {number} is no JSON ({error.msg}); write an object a line, or all of "
                    "them in an array"
                ) from error


def _items(text: str) -> Iterator[tuple[str, object]]:
    place, number = _after_space(text, text.index("[") + 1), 0
    while text[place : place + 1] not in ("]", ""):
        number += 1
        try:
            value, place = _value(text, place)
        except json.JSONDecodeError as error:
            raise ValueError(f"item {number} is no JSON: {error}") from error
        yield f"item {number}", value
        place = _after_space(text, place)
        if text[place : place + 1] not in (",", "]"):
            break
        if text[place] == ",":
            place = _after_space(text, place + 1)
    if text[place : place + 1] != "]" or text[place + 1 :].strip():
        raise ValueError(f"it is no JSON array after item {number}")


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return place if found is None else found.end()


def _value(text: str, place: int | None = None) -> tuple[object, int]:
    # Not with msgspec: Python programs write NaN, which is no JSON, into columns that we ignore.
    try:
        if place is None:
            return json.loads(text), len(text)
        return _DECODER.raw_decode(text, place)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


_DECODER = json.JSONDecoder()
