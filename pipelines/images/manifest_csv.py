"""Reading a manifest's CSV as spreadsheets and scripts write it: any delimiter, any UTF."""

import codecs
import csv
import io

import pyarrow as pa
from pyarrow import csv as arrow_csv

from pipelines.errors import InputError
from pipelines.images.manifest_columns import Names

DELIMITERS = (",", ";", "\t", "|")

_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_BLOCK = 1 << 20
"""Bytes that are decoded at once; the first row lies in the first of them."""


def read_csv(content: bytes, _: int, names: Names) -> pa.Table:
    """Read the columns that are ours, as text; what is empty is null.

    Args:
        content: the file.
        names: of its columns.

    Raises:
        InputError: the columns that are meant are not there.
        ValueError: it is neither UTF-8 nor UTF-16.
        pa.ArrowException: its rows have different lengths.
    """
    content, named = _without_line_of_excel(in_utf8(content))
    if not content.strip():
        raise ValueError("it is empty")
    delimiter = named or _delimiter(_start(content), names)
    parsing = arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    # As the delimiter was found; Arrow's own way to the header reads ahead on threads.
    found = names.settle(_split(_start(content), delimiter))
    options = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(found.values(), pa.string()),
        include_columns=list(dict.fromkeys(found.values())),
        strings_can_be_null=True,
        null_values=[""],
    )
    table = arrow_csv.read_csv(
        pa.BufferReader(content), parse_options=parsing, convert_options=options
    )
    return table.select(list(found.values())).rename_columns(list(found))


def read_list(content: bytes, most: int, names: Names) -> pa.Table:
    """Read a text file: with a header that names a path it is CSV, without one a path a line."""
    content = in_utf8(content)
    start = _start(content)
    if any(names.has_path(_split(start, each)) for each in DELIMITERS):
        return read_csv(content, most, names)
    if names.given:
        raise InputError(f"{names.manifest} has no header, and columns of it are named")
    lines = (line.rstrip("\r") for line in content.decode().split("\n"))
    return pa.table({"path": pa.array([line for line in lines if line], pa.string())})


def in_utf8(content: bytes) -> bytes:
    """The same text in UTF-8, without a byte order mark.

    Raises:
        ValueError: it is another encoding.
    """
    encoding = next((_MARKS[mark] for mark in _MARKS if content.startswith(mark)), None)
    if encoding is None and b"\0" in content[:2]:  # what begins in ASCII, and has no mark
        encoding = "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    try:
        if encoding is not None:
            return content.decode(encoding).removeprefix("\ufeff").encode()
        _check_utf8(content)
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no {(encoding or 'utf-8').upper()}; save it as UTF-8") from error
    return content.removeprefix(codecs.BOM_UTF8)


def _check_utf8(content: bytes) -> None:
    """Decode it in blocks: as one string it would take up to four times the memory."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(content), _BLOCK):
        decoder.decode(content[start : start + _BLOCK])
    decoder.decode(b"", final=True)


def _without_line_of_excel(content: bytes) -> tuple[bytes, str | None]:
    """A first line `sep=;`, which Excel writes and reads, says the delimiter and is no row."""
    line, _, rest = content.partition(b"\n")
    said = line.strip(b"\r ").lower()
    if said.startswith(b"sep=") and said[4:].decode("latin-1") in DELIMITERS:
        return rest, said[4:].decode()
    return content, None


def _start(content: bytes) -> str:
    return content[:_BLOCK].decode("utf-8", "ignore")


def _delimiter(start: str, names: Names) -> str:
    """The one delimiter that makes a column of paths of the header; else the most frequent."""
    headers = {each: _split(start, each) for each in DELIMITERS}
    some = [each for each in DELIMITERS if len(headers[each]) > 1]
    right = [each for each in some if names.has_path(headers[each])]
    if len(right) > 1:
        shown = " and by ".join(map(repr, right))
        raise InputError(
            f"the first line of {names.manifest} is divided by {shown}; quote the names that hold "
            "one of them"
        )
    most = max(some, key=lambda each: len(headers[each]), default=",")
    return right[0] if right else most


def _split(start: str, delimiter: str) -> list[str]:
    rows = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter)
    try:
        return next((row for row in rows if row), [])
    except csv.Error:  # a field of more than 128 KiB
        return []
