"""A manifest: a CSV, JSON-lines or Parquet file with one row an image."""

import os
from collections import Counter
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, json, parquet

from pipelines.errors import InputError
from pipelines.records import ImageRef
from pipelines.source.splits import split_of

MANIFEST_SUFFIXES = frozenset({".csv", ".jsonl", ".ndjson", ".parquet"})
COLUMNS = ("path", "id", "label", "split")


def list_manifest(manifest: Path, root: Path) -> list[ImageRef]:
    """List the images of a manifest: column `path`, and `id`, `label`, `split` where it has them.

    Args:
        manifest: the file; other columns are ignored.
        root: the folder that relative paths start from; every image must lie inside it.

    Raises:
        InputError: the file cannot be read, has no `path`, repeats an id, or names a path that is
            empty or outside the root.
    """
    table = _read(manifest)
    if "path" not in table.column_names:
        raise InputError(f"{manifest} has no column 'path', it has {table.column_names}")
    rows = {name: _strings(table, name) for name in COLUMNS}
    inside = os.path.realpath(root)
    refs = []
    columns = (rows[name] for name in COLUMNS)
    for number, (path, image_id, label, split) in enumerate(zip(*columns, strict=True), start=1):
        if not path:
            raise InputError(f"row {number} of {manifest} has no path")
        uri = os.path.normpath(os.path.join(root, path))  # noqa: PTH118 - a million rows
        if os.path.commonpath([inside, os.path.realpath(uri)]) != inside:
            raise InputError(
                f"row {number} of {manifest} names {path!r}, which is outside {root}; "
                "name a folder around all images with --input_root"
            )
        refs.append(_ref(uri, image_id or path, label, split))
    repeated = [name for name, count in Counter(r.image_id for r in refs).items() if count > 1]
    if repeated:
        raise InputError(
            f"{manifest} repeats {len(repeated)} ids, among them {repeated[0]!r}; "
            "ids must be unique"
        )
    return refs


def _read(manifest: Path) -> pa.Table:
    try:
        if manifest.suffix.lower() == ".csv":
            options = csv.ConvertOptions(
                column_types={name: pa.string() for name in COLUMNS},
                strings_can_be_null=True,
                null_values=[""],
            )
            parsing = csv.ParseOptions(newlines_in_values=True)
            return csv.read_csv(manifest, parse_options=parsing, convert_options=options)
        if manifest.suffix.lower() == ".parquet":
            return parquet.read_table(manifest)
        return json.read_json(manifest)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"cannot read {manifest}: {error}") from error


def _strings(table: pa.Table, name: str) -> list[str | None]:
    if name not in table.column_names:
        return [None] * table.num_rows
    values: list[str | None] = table.column(name).cast(pa.string()).to_pylist()
    return values


def _ref(uri: str, image_id: str, label: str | None, split: str | None) -> ImageRef:
    # A file that is not there costs itself only: the run records it as a failure to read.
    try:
        status = os.stat(uri)  # noqa: PTH116 - a million rows
        size, modified = status.st_size, status.st_mtime_ns // 1000
    except OSError:
        size, modified = 0, 0
    return ImageRef(
        image_id=image_id,
        uri=uri,
        label=label,
        split=split or split_of(image_id, label),
        bytes=size,
        modified=modified,
    )
