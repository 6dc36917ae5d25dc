"""A manifest: a CSV, JSON-lines or Parquet file with one row an image."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from pipelines.errors import InputError
from pipelines.images.prefix import PrefixFence, refs_with_stat
from pipelines.images.splits import split_of
from pipelines.images.stat_data import make_ref
from pipelines.records import ImageRef
from pipelines.stores.objects import StoreAwayError, TooLargeError
from pipelines.stores.places import Place
from pipelines.stores.reading import read_bytes
from pipelines.system.memory import usable_memory

COLUMNS = ("path", "id", "label", "split")

MAX_BYTES = 4 << 30
"""Most bytes of a manifest; a quarter of the memory where that is less."""

ROW_BYTES = 100
"""What a row takes of them at least: a run holds every image."""

BATCH = 4096
"""Rows that are taken from a Parquet file at once."""


def list_manifest(manifest: str, root: Path | Place) -> list[ImageRef]:
    """List the images of a manifest: column `path`, and `id`, `label`, `split` where it has them.

    Args:
        manifest: the file or object; other columns are ignored.
        root: the folder that relative paths start from; every image must lie inside it.

    Raises:
        InputError: the file cannot be read, has no `path`, repeats an id, or names a path that is
            empty or outside the root.
    """
    table, names = _read(manifest)
    if "path" not in names:
        raise InputError(f"{manifest} has no column 'path', it has {names}")
    rows = {name: _strings(table, name) for name in COLUMNS}
    fence: Fence = PrefixFence(root) if isinstance(root, Place) else FolderFence(root)
    above = root.uri if isinstance(root, Place) else root
    inputs = []
    columns = (rows[name] for name in COLUMNS)
    for number, (path, image_id, label, split) in enumerate(zip(*columns, strict=True), start=1):
        if not path or "\0" in path:
            raise InputError(f"row {number} of {manifest} has no path, or one with a null byte")
        if image_id and "\0" in image_id:
            raise InputError(f"row {number} of {manifest} has an id with a null byte")
        uri = fence.locate(path)
        if uri is None:
            raise InputError(
                f"row {number} of {manifest} names {path!r}, which is outside {above}; "
                "name a folder around all images with --input_root"
            )
        name = image_id or path
        # A million rows have few labels and splits: one string each serves all.
        label = None if label is None else sys.intern(label)
        inputs.append((name, uri, label, sys.intern(split or split_of(name, label))))
    repeated = _first_repeated(name for name, _, _, _ in inputs)
    if repeated is not None:
        raise InputError(f"{manifest} repeats the id {repeated!r}; ids must be unique")
    twice = _first_repeated(uri for _, uri, _, _ in inputs)
    if twice is not None:
        raise InputError(
            f"{manifest} names {twice!r} more than once; an image has one id, label and split"
        )
    if isinstance(root, Place):
        return refs_with_stat(inputs)
    return [make_ref(*each) for each in inputs]


def _first_repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


class Fence(Protocol):
    """Places paths below a root and finds those that lead out of it."""

    def locate(self, path: str) -> str | None:
        """Where the image is that a path means; None when it is outside the root."""


class FolderFence:
    """A fence around a local folder, which links lead out of too."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._real = os.path.realpath(root)
        self._inside: dict[str, bool] = {}

    def locate(self, path: str) -> str | None:
        """The file that a relative or absolute path means; None when it is outside the root."""
        if "://" in path:
            return None
        uri = os.path.normpath(os.path.join(self._root, path))  # noqa: PTH118 - a million rows
        folder = os.path.dirname(uri)  # noqa: PTH120
        if folder not in self._inside:
            self._inside[folder] = self._holds(os.path.realpath(folder))
        if not self._inside[folder]:
            return None
        if os.path.islink(uri) and not self._holds(os.path.realpath(uri)):  # noqa: PTH114
            return None
        return uri

    def _holds(self, real: str) -> bool:
        return os.path.commonpath([self._real, real]) == self._real


def _read(manifest: str) -> tuple[pa.Table, list[str]]:
    most = min(MAX_BYTES, usable_memory() // 4)
    try:
        content = read_bytes(manifest, most)
        table = _READERS[PurePosixPath(manifest).suffix.lower()](content, most)
        if table.num_rows * ROW_BYTES > most:
            raise ValueError(f"its {table.num_rows:,} rows are more than the memory here can hold")
        return table, table.column_names
    except (pa.ArrowException, ValueError, OSError) as error:
        if isinstance(error.__cause__, StoreAwayError):
            raise error.__cause__ from error
        said = error.strerror if isinstance(error, TooLargeError) else error
        raise InputError(f"cannot read {manifest}: {said}") from error


def _read_csv(content: bytes, _: int) -> pa.Table:
    options = csv.ConvertOptions(
        column_types={name: pa.string() for name in COLUMNS},
        strings_can_be_null=True,
        null_values=[""],
    )
    parsing = csv.ParseOptions(newlines_in_values=True)
    source = pa.BufferReader(content)
    return csv.read_csv(source, parse_options=parsing, convert_options=options)


def _read_parquet(content: bytes, most: int) -> pa.Table:
    # Strings are read as a few and how often: a small file may hold one long one a billion times.
    source = pa.BufferReader(content)
    metadata = parquet.read_metadata(source)
    paths = [metadata.schema.column(number).path for number in range(metadata.num_columns)]
    plain = [path for path in paths if path in COLUMNS]
    file = parquet.ParquetFile(source, metadata=metadata, read_dictionary=plain)
    schema = pa.schema([field for field in file.schema_arrow if field.name in COLUMNS])
    if "path" not in schema.names:
        return file.schema_arrow.empty_table()
    taken = max(metadata.num_rows * ROW_BYTES, _unpacked(metadata))
    batches = []
    for batch in file.iter_batches(BATCH, columns=schema.names) if taken <= most else ():
        taken += sum(map(_expanded, batch.columns))
        if taken > most:
            break
        batches.append(batch)
    if taken > most:
        raise ValueError(f"unpacked it takes more than the {most:,} bytes allowed")
    return pa.Table.from_batches(batches, batches[0].schema if batches else schema)


def _unpacked(metadata: parquet.FileMetaData) -> int:
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = [group.column(number) for group in groups for number in range(group.num_columns)]
    wanted = [each for each in columns if each.path_in_schema.partition(".")[0] in COLUMNS]
    return sum(column.total_uncompressed_size for column in wanted)


def _expanded(column: pa.Array) -> int:
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
    return int(pc.sum(lengths).as_py() or 0)


def _read_json_lines(content: bytes, _: int) -> pa.Table:
    # Not with Arrow's reader: a line that is no object ends the process (pyarrow 25).
    columns: dict[str, list[str | None]] = {name: [] for name in COLUMNS}
    with io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            row = _row(line)
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is no object")
            for name, values in columns.items():
                value = row.get(name)
                if not isinstance(value, str | None):
                    raise ValueError(f"line {number} has a {name!r} that is no text")
                values.append(value)
    return pa.table(columns, schema=pa.schema([(name, pa.string()) for name in COLUMNS]))


def _row(line: str) -> object:
    # Not with msgspec: Python programs write NaN, which is no JSON, into columns that we ignore.
    try:
        return json.loads(line)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


_READERS: dict[str, Callable[[bytes, int], pa.Table]] = {
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".parquet": _read_parquet,
}
MANIFEST_SUFFIXES = frozenset(_READERS)


def _strings(table: pa.Table, name: str) -> list[str | None]:
    found = table.column_names.count(name)
    if found == 0:
        return [None] * table.num_rows
    if found > 1:
        raise InputError(f"the manifest has {found} columns {name!r}; one is meant")
    try:
        values: list[str | None] = table.column(name).cast(pa.string()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
        raise InputError(f"column {name!r} of the manifest is no text: {error}") from error
    return values
