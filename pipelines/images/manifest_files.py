"""Reading a manifest's file into columns of text, whatever its format calls and holds them."""

import codecs
import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from pathlib import PurePosixPath
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from pipelines.cli import few, log
from pipelines.errors import InputError
from pipelines.images.layout import COLUMNS
from pipelines.images.manifest_parquet import ROW_BYTES, read_parquet
from pipelines.stores.objects import StoreAwayError, TooLargeError
from pipelines.stores.reading import read_bytes
from pipelines.system.memory import usable_memory

MAX_BYTES = 4 << 30
"""Most bytes of a manifest; a quarter of the memory where that is less."""

LOOKS_MEANT = {
    "path": ("file_name", "filename", "filepath", "file", "image", "image_path", "img", "uri"),
    "id": ("image_id", "key", "name"),
    "label": ("class", "category", "target", "labels", "y"),
    "split": ("set", "subset", "fold", "partition"),
}
"""Names that other tools give to columns like ours; they are told of and not read."""

_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")

Wanted = Callable[[str], bool]
"""Tells by its name whether a column is read."""

Columns = Mapping[str, Sequence[str | None]]
"""The columns `COLUMNS`, a value a row; None where a row has none."""


def read_columns(manifest: str, columns: Mapping[str, str] = MappingProxyType({})) -> Columns:
    """Read the columns of a manifest that are known; a column that looks meant is told of.

    Names of columns may differ in case and be surrounded by spaces. Labels and splits are text
    without spaces around it; a number that is whole is written as one (1.0 as 1), and what is
    missing, NaN among it, is None.

    Args:
        manifest: the file or object.
        columns: by name of `COLUMNS`, what the file calls the column; others are known by theirs.

    Raises:
        InputError: it cannot be read, or has no column that is meant, or a column twice.
        StoreAwayError: the store gives no answer.
    """
    most = min(MAX_BYTES, usable_memory() // 4)
    try:
        content = read_bytes(manifest, most)
        read = _READERS[PurePosixPath(manifest).suffix.lower()]
        table, names = read(content, most, partial(_may_be_ours, {*columns.values()}))
        if table.num_rows * ROW_BYTES > most:
            raise ValueError(f"its {table.num_rows:,} rows are more than the memory here can hold")
    except (pa.ArrowException, ValueError, OSError) as error:
        if isinstance(error.__cause__, StoreAwayError):
            raise error.__cause__ from error
        said = error.strerror if isinstance(error, TooLargeError) else error
        raise InputError(f"cannot read {manifest}: {said}") from error
    called = _names_of_ours(manifest, names, columns)
    return {name: _texts(table, name, called.get(name)) for name in COLUMNS}


def _names_of_ours(
    manifest: str, names: Sequence[str], columns: Mapping[str, str]
) -> dict[str, str]:
    """What the file calls our columns."""
    plain = [_plain_name(name) for name in names]
    for name, called in columns.items():
        if called not in names:
            raise InputError(
                f"{manifest} has no column {called!r}, which --{name}_column names; it has "
                f"{', '.join(names) or 'none'}"
            )
    for name in COLUMNS:
        if name in columns:
            continue
        if plain.count(name) > 1:
            raise InputError(f"{manifest} has {plain.count(name)} columns {name!r}; one is meant")
        meant = [real for real, each in zip(names, plain, strict=True) if each in LOOKS_MEANT[name]]
        if name in plain or not meant:
            continue
        if name == "path":
            raise InputError(
                f"{manifest} has no column 'path'; rename its column {meant[0]!r}, or name it with "
                "--path_column"
            )
        log(
            f"column {meant[0]!r} of {manifest} is not read; rename it if it is meant as {name!r}, "
            f"or name it with --{name}_column"
        )
    if "path" not in (*plain, *columns):
        there = few([repr(name) for name in names], 8) or "none"
        how = "--path_column names the one with the images' files"
        if len(names) == 1 and re.search(r"[;\t|]", names[0]):
            how = "separate its columns by commas"
        raise InputError(f"{manifest} has no column 'path', it has {there}; {how}")
    found = {name: names[plain.index(name)] for name in COLUMNS if name in plain}
    return found | dict(columns)


def _plain_name(name: str) -> str:
    return name.strip().lower()


def _may_be_ours(called: Set[str], name: str) -> bool:
    return name in called or _plain_name(name) in COLUMNS


def _texts(table: pa.Table, name: str, called: str | None) -> list[str | None]:
    if called is None:
        return [None] * table.num_rows
    column = table.column(called)
    try:
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), None, column)
        values: list[str | None] = column.cast(pa.string()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
        raise InputError(
            f"column {name!r} of the manifest is no text, as UTF-8: {error}"
        ) from error
    if name in ("label", "split"):
        return [None if value is None else _plain(value) for value in values]
    return values


def _plain(text: str) -> str | None:
    text = text.strip()
    whole = _WHOLE.fullmatch(text)
    return (whole[1] if whole else text) or None


def _read_csv(content: bytes, _: int, __: Wanted) -> tuple[pa.Table, list[str]]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("it is UTF-16; save it as UTF-8")
    # All columns are text: what they are called is known only afterwards.
    with csv.open_csv(pa.BufferReader(content), parse_options=_PARSING) as reader:
        names = reader.schema.names
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=True,
        null_values=[""],
    )
    source = pa.BufferReader(content)
    table = csv.read_csv(source, parse_options=_PARSING, convert_options=options)
    return table, names


_PARSING = csv.ParseOptions(newlines_in_values=True)


def _read_parquet(content: bytes, most: int, wanted: Wanted) -> tuple[pa.Table, list[str]]:
    return read_parquet(content, most, wanted)


def _read_json_lines(content: bytes, _: int, wanted: Wanted) -> tuple[pa.Table, list[str]]:
    # Not with Arrow's reader: a line that is no object ends the process (pyarrow 25).
    names: dict[str, None] = {}
    rows: list[dict[str, str | None]] = []
    with io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            row = _row(line)
            if number == 1 and isinstance(row, list):
                raise ValueError("it is one JSON array; write an object a line")
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is no object")
            names |= dict.fromkeys(row)
            ours = ((name, value) for name, value in row.items() if wanted(name))
            rows.append({name: _json_text(value, name, number) for name, value in ours})
    columns = {
        name: pa.array([row.get(name) for row in rows], pa.string())
        for name in names
        if wanted(name)
    }
    return pa.table(columns), list(names)


def _row(line: str) -> object:
    # Not with msgspec: Python programs write NaN, which is no JSON, into columns that we ignore.
    try:
        return json.loads(line)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


def _json_text(value: object, name: str, number: int) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, str | int | float | None):
        return None if value is None else str(value)
    raise ValueError(f"line {number} has a {name!r} that is no text")


_READERS: dict[str, Callable[[bytes, int, Wanted], tuple[pa.Table, list[str]]]] = {
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".parquet": _read_parquet,
}
MANIFEST_SUFFIXES = frozenset(_READERS)
