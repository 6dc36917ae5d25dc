"""The file that predictions go to: a local one, or an object in a bucket."""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from classifiers.models.predicting import write_predictions
from pipelines.cli import local_path
from pipelines.errors import UsageError
from pipelines.stores.clients import open_filesystem
from pipelines.stores.objects import check_can_write, stat_of
from pipelines.stores.places import SCHEMES, parse_place
from pipelines.stores.writing import put_file

PredictionFile = Path | str
"""A local file, or the URI of an object."""


def prediction_file(text: str) -> PredictionFile:
    """An option's value that names a file for predictions."""
    if not text.startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
        return local_path(text)
    try:
        return parse_place(text).uri
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def check_output(file: PredictionFile, *, overwrite: bool) -> PredictionFile:
    """The file, if predictions can be written to it.

    Raises:
        UsageError: it is not Parquet by its name, has no folder to be in, or is there already.
        StoreError: the store does not take it.
    """
    name = Path(file)
    if name.suffix != ".parquet":
        raise UsageError(f"--output {file}: the predictions are Parquet, name a file.parquet")
    if isinstance(file, str):
        place = parse_place(file)
        there = stat_of(place) is not None
        check_can_write(place.folder, place.name)
    elif name.is_dir() or not name.resolve().parent.is_dir():
        raise UsageError(f"--output {file}: no folder {name.resolve().parent} to write it in")
    else:
        there = name.is_file()
    if there and not overwrite:
        raise UsageError(f"--output {file} exists; name another file, or give --overwrite")
    return file


def write_to(
    file: PredictionFile, tables: Iterator[pa.Table], schema: pa.Schema
) -> tuple[int, int]:
    """Write predictions as Parquet; the file is there when it is whole.

    Args:
        file: see `check_output`.
        tables: the predictions.
        schema: of each of them.

    Returns:
        Images predicted, and images that could not be.

    Raises:
        OSError: the file cannot be written.
    """
    if isinstance(file, Path):
        return write_predictions(tables, schema, file)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, "predictions.parquet")
        counts = write_predictions(tables, schema, draft)
        put_file(parse_place(file), draft)
    return counts


def read_predictions(file: PredictionFile) -> pa.Table:
    """The predictions that are in a file."""
    if isinstance(file, Path):
        return pq.read_table(file)
    place = parse_place(file)
    return pq.read_table(place.name, filesystem=open_filesystem(place.folder))
