"""What a Parquet or Arrow file says of the images in it, row by row, without their bytes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from pipelines.errors import InputError
from pipelines.images.manifest_parquet import BATCH, ROW_BYTES
from pipelines.images.text_values import label_texts, texts_of
from pipelines.stores.arrow_member import arrow_batches, arrow_schema
from pipelines.stores.objects import StoreAwayError
from pipelines.stores.range_file import RangeFile
from pipelines.system.memory import usable_memory

MAX_BYTES = 4 << 30
"""Most bytes of what is said of images; a quarter of the memory where that is less."""

PARQUET_MAGIC = b"PAR1"

Said = Mapping[str, Sequence[str | None]]
"""By the file's own name of a column, its values as text."""


class UnreadableError(Exception):
    """A file is damaged, or may not be read: nothing of it can be used."""


def kind_of(file: str) -> str:
    """The kind of a file's members: parquet or arrow.

    Raises:
        UnreadableError: it cannot be read.
        StoreAwayError: the store gives no answer.
    """
    with _Reading(file) as source:
        return "parquet" if source.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC else "arrow"


def schema_of(file: str, kind: str) -> pa.Schema:
    """The schema of a file of a kind; errors as of `kind_of`."""
    with _Reading(file) as source:
        if kind == "arrow":
            schema = arrow_schema(source)
        else:
            schema = parquet.read_schema(pa.PythonFile(source, "r"))
        _read_names(schema)
        return schema


def _read_names(fields: Iterable[pa.Field]) -> None:
    """Read all names of columns, which fails where one is no text."""
    for field in fields:
        _ = field.name
        if pa.types.is_struct(field.type):
            _read_names(field.type)


def said_of(
    file: str,
    kind: str,
    names: Sequence[str],
    constants: Mapping[str, str | None] = MappingProxyType({}),
    label: str | None = None,
) -> tuple[int, Said]:
    """Read columns of text.

    Args:
        file: path or URI.
        kind: parquet or arrow.
        names: of the columns, those inside of a struct as `image.path`.
        constants: values that all rows have, of columns that the file itself has not.
        label: the one of them that may hold lists, of several labels.

    Returns:
        How many rows there are, and the columns.

    Raises:
        InputError: a column is no text, or the file holds more than the memory.
        UnreadableError, StoreAwayError: as `kind_of`.
    """
    most = min(MAX_BYTES, usable_memory() // 4)
    read = [name for name in names if name not in constants]
    texts: dict[str, list[str | None]] = {name: [] for name in read}
    rows = taken = 0
    with _Reading(file) as source:
        batches = _arrow(source, read) if kind == "arrow" else _parquet(source, read, most)
        for count, batch in batches:
            rows += count
            taken += count * ROW_BYTES + sum(column.nbytes for column in batch.values())
            if taken > most:
                raise InputError(f"{file} says more of its images than the memory here can hold")
            for name, column in batch.items():
                texts[name] += _texts(
                    file, name, column, label_texts if name == label else texts_of
                )
    constant = {name: [constants[name]] * rows for name in names if name in constants}
    return rows, texts | constant


class _Reading:
    """Around reading a file: what goes wrong says whether it is the file or the way there."""

    def __init__(self, file: str) -> None:
        self._file = file

    def __enter__(self) -> RangeFile:
        try:
            self._source = RangeFile(self._file)
        except StoreAwayError:
            raise
        except OSError as error:
            raise UnreadableError(_said(error)) from error
        return self._source

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        trouble = self._source.trouble
        if isinstance(trouble, StoreAwayError):
            raise trouble
        if trouble is not None and isinstance(trouble.__cause__, StoreAwayError):
            raise trouble.__cause__
        if isinstance(error, pa.ArrowException | OSError | ValueError):
            raise UnreadableError(_said(error)) from error


def _said(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()).rstrip(".")


def _parquet(
    source: RangeFile, names: Sequence[str], most: int
) -> Iterator[tuple[int, dict[str, pa.Array]]]:
    opened = pa.PythonFile(source, "r")
    file = parquet.ParquetFile(opened, page_checksum_verification=True)
    if not names:
        yield file.metadata.num_rows, {}
        return
    # A small dictionary may hold one long text for all rows: so few that it stays bounded. Sizes of
    # single columns would be nearer, but asking for those of a damaged file ends the process.
    groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
    largest = max((group.total_byte_size for group in groups), default=0)
    rows = max(1, min(BATCH, most // max(1, largest)))
    for batch in file.iter_batches(rows, columns=list(names), use_threads=False):
        yield batch.num_rows, {name: _inside(batch, name) for name in names}


def _arrow(source: RangeFile, names: Sequence[str]) -> Iterator[tuple[int, dict[str, pa.Array]]]:
    said = [*dict.fromkeys(name.partition(".")[0] for name in names)]
    # Batches of no column do not tell their rows.
    for batch in arrow_batches(source, said or None):
        found = {name: _inside(batch, name) for name in names}
        for start in range(0, batch.num_rows, BATCH):
            count = min(BATCH, batch.num_rows - start)
            yield count, {name: each.slice(start, BATCH) for name, each in found.items()}


def _inside(batch: pa.RecordBatch, name: str) -> pa.Array:
    if name in batch.schema.names:
        return batch.column(name)
    first, _, rest = name.partition(".")
    return pc.struct_field(batch.column(first), rest)


def _texts(
    file: str, name: str, column: pa.Array, read: Callable[[pa.Array], list[str | None]]
) -> list[str | None]:
    try:
        return read(column)
    except ValueError as error:
        raise InputError(f"column {name!r} of {file} is no text: {error}") from error
