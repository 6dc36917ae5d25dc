"""Quantised bases as files: where a folder keeps one, and reading it, held against its hash."""

import hashlib

from pipelines.errors import WeightsError
from pipelines.stores.reading import read_bytes

BASE_FOLDER = "_base"
"""Where a table's folder keeps quantised bases; vacuum leaves underscore folders alone."""

MOST_BYTES = 2 << 30
"""Of a quantised base: an ONNX file has no more."""


def quantised_path(fingerprint: str) -> str:
    """The file of a quantised base inside the folder that keeps it."""
    return f"{BASE_FOLDER}/{fingerprint}.onnx"


def read_quantised(kept_in: str | None, fingerprint: str) -> bytes:
    """Read a quantised base.

    Args:
        kept_in: the folder or prefix that keeps it, a table's; None where none is known.
        fingerprint: SHA-256 of the file.

    Raises:
        WeightsError: it is not there, or is another than that.
    """
    what = f"the quantised base {fingerprint[:12]}…"
    if kept_in is None:
        raise WeightsError(f"{what} is not in the cache, and no table that keeps it is known")
    place = f"{kept_in.rstrip('/')}/{quantised_path(fingerprint)}"
    try:
        content = read_bytes(place, MOST_BYTES)
    except OSError as error:
        said = error.strerror or error
        raise WeightsError(
            f"{what} cannot be read from {place} ({said}); put the file back from a copy of the "
            "table, or extract into a new table"
        ) from error
    if hashlib.sha256(content).hexdigest() != fingerprint:
        raise WeightsError(
            f"{place} is not {what} that the features were made with; put the file back from a "
            "copy of the table, or extract into a new table"
        )
    return content
