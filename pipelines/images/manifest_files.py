"""Reading a manifest's file into columns of text, whatever its format calls and holds them."""

import gzip
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType

import pyarrow as pa

from pipelines.errors import InputError
from pipelines.images.layout import COLUMNS
from pipelines.images.manifest_columns import Names
from pipelines.images.manifest_csv import read_csv, read_list
from pipelines.images.manifest_json import read_json
from pipelines.images.manifest_parquet import ROW_BYTES, read_parquet
from pipelines.images.text_values import label_texts, plain_label, plain_text, texts_of
from pipelines.stores.objects import StoreAwayError, TooLargeError
from pipelines.stores.reading import read_bytes
from pipelines.system.memory import usable_memory

MAX_BYTES = 4 << 30
"""Most bytes of a manifest; a quarter of the memory where that is less."""

PLAIN_COLUMNS = ("split", "group")

Columns = Mapping[str, Sequence[str | None]]
"""The columns `COLUMNS`, a value a row; None where a row has none."""


def read_columns(manifest: str, columns: Mapping[str, str] = MappingProxyType({})) -> Columns:
    """Read the columns of a manifest that are known, as text; see `read_table` and `texts`."""
    return texts(read_table(manifest, columns))


def read_table(manifest: str, columns: Mapping[str, str] = MappingProxyType({})) -> pa.Table:
    """Read the columns of a manifest that are known, as `Names` tells them.

    Names of columns may differ in case and be surrounded by spaces.

    Args:
        manifest: the file or object.
        columns: by name of `COLUMNS`, what the file calls the column; others are known by theirs.
            Those of `STAT_COLUMNS` are read if they are among them.

    Returns:
        Those of `COLUMNS` that it has, and those of `STAT_COLUMNS`, as the file holds them.

    Raises:
        InputError: it cannot be read, or has no column that is meant, or a column twice.
        StoreAwayError: the store gives no answer.
    """
    most = min(MAX_BYTES, usable_memory() // 4)
    try:
        content = read_bytes(manifest, most)
        if manifest.lower().endswith(PACKED):
            content = _unpacked(content, most)
        table = _READERS[manifest_suffix(manifest)](content, most, Names(manifest, columns))
        if table.num_rows * ROW_BYTES > most:
            raise ValueError(f"its {table.num_rows:,} rows are more than the memory here can hold")
    except (pa.ArrowException, ValueError, OSError) as error:
        if isinstance(error.__cause__, StoreAwayError):
            raise error.__cause__ from error
        said = error.strerror if isinstance(error, TooLargeError) else error
        raise InputError(f"cannot read {manifest}: {said}") from error
    return table


def texts(table: pa.Table) -> Columns:
    """The columns `COLUMNS` of a manifest as text.

    Labels and splits are text without spaces around it; a number that is whole is written as one
    (1.0 as 1), and what is missing, NaN among it, is None.

    Args:
        table: what `read_table` gives.

    Raises:
        InputError: a column is no text.
    """
    return {name: _texts(table, name) for name in COLUMNS}


def manifest_suffix(name: str) -> str:
    """By which of `MANIFEST_SUFFIXES` a file's name says that it is a manifest; "" for none."""
    plain = name.lower().removesuffix(PACKED)
    suffix = PurePosixPath(plain).suffix
    is_one = suffix in MANIFEST_SUFFIXES and (plain == name.lower() or suffix not in _NEVER_PACKED)
    return suffix if is_one else ""


def _unpacked(content: bytes, most: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            unpacked = file.read(most + 1)
    except (EOFError, zlib.error) as error:
        raise ValueError(f"it is damaged: {error}") from error
    if len(unpacked) > most:
        raise ValueError(f"unpacked it takes more than the {most:,} bytes allowed")
    return unpacked


def _texts(table: pa.Table, name: str) -> list[str | None]:
    if name not in table.column_names:
        return [None] * table.num_rows
    try:
        column = table.column(name)
        values = label_texts(column) if name == "label" else texts_of(column)
    except ValueError as error:
        raise InputError(
            f"column {name!r} of the manifest is no text, as UTF-8: {error}"
        ) from error
    if name == "label":
        return [plain_label(value) for value in values]
    return [plain_text(value) for value in values] if name in PLAIN_COLUMNS else values


_READERS: dict[str, Callable[[bytes, int, Names], pa.Table]] = {
    ".csv": read_csv,
    ".json": read_json,
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".parquet": read_parquet,
    ".tsv": read_csv,
    ".txt": read_list,
}
MANIFEST_SUFFIXES = frozenset(_READERS)
PACKED = ".gz"
"""What may follow the suffix of a manifest of text."""

_NEVER_PACKED = frozenset({".parquet"})
