"""Quantised bases as files: where a folder keeps one, and reading it, held against its hash."""

import hashlib

from pipelines.contract import Contract
from pipelines.errors import WeightsError
from pipelines.stores.reading import read_bytes

BASE_FOLDER = "_base"
"""Where a table's folder keeps quantised bases; vacuum leaves underscore folders alone."""

MOST_BYTES = 2 << 30
"""Of a quantised base: an ONNX file has no more."""


def quantised_path(fingerprint: str) -> str:
    """The file of a quantised base inside the folder that keeps it."""
    return f"{BASE_FOLDER}/{fingerprint}.onnx"


def quantised_at(folder: str | None, contract: Contract) -> str | None:
    """Where the quantised base of a contract is kept; None if it has none, or no folder is known.

    Args:
        folder: the table's folder or prefix.
        contract: of its features.
    """
    if folder is None or contract.quantisation is None:
        return None
    return f"{folder.rstrip('/')}/{quantised_path(contract.quantisation.base)}"


def read_quantised(place: str | None, fingerprint: str) -> bytes:
    """Read a quantised base.

    Args:
        place: of the file; None where none is known.
        fingerprint: SHA-256 of the file.

    Raises:
        WeightsError: it is not there, or is another than that.
    """
    what = f"the quantised base {fingerprint[:12]}…"
    if place is None:
        raise WeightsError(f"{what} is not in the cache, and no table that keeps it is known")
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
