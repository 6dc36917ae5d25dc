"""What a bucket holds of a version: which files, where, and what they hash to."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from classifiers.models.place import CARD_FILE, model_files
from pipelines.untrusted import value_from_json

LARGEST_RECORD = 1 << 16
"""Bytes; one has less than a thousand."""

_TOKEN = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Held:
    """One file of a version.

    Attributes:
        bytes: its size.
        sha256: hexadecimal.
    """

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """One version.

    Attributes:
        folder: name of the folder that its files are in, which no other version shares.
        files: by their names.
    """

    folder: str
    files: dict[str, Held]

    def as_bytes(self) -> bytes:
        """The record as JSON."""
        return f"{json.dumps(asdict(self), indent=2)}\n".encode()


def is_token(name: str) -> bool:
    """Whether a folder is called as those of versions are."""
    return _TOKEN.fullmatch(name) is not None


def record_of(folder: str, draft: Path) -> Record:
    """The record of a model's files.

    Args:
        folder: that they go into.
        draft: that they are in.
    """
    return Record(folder, {path.name: _held(path) for path in sorted(draft.iterdir())})


def record_from_json(text: bytes) -> Record:
    """Read a record; nothing in it is taken on trust.

    Raises:
        ValueError: it is none; one line says how.
    """
    record = value_from_json(text, Record)
    if not is_token(record.folder):
        raise ValueError(f"it names the folder {record.folder!r}")
    strangers = sorted(record.files.keys() - model_files())
    if strangers:
        raise ValueError(f"it names {strangers[0]!r}, which is no file of a model")
    if CARD_FILE not in record.files:
        raise ValueError(f"it names no {CARD_FILE}")
    return record


def is_whole(folder: Path, record: Record) -> bool:
    """Whether a folder holds the files of a record, unchanged."""
    try:
        return all(_held(folder / name) == held for name, held in record.files.items())
    except OSError:
        return False


def _held(path: Path) -> Held:
    with path.open("rb") as file:
        return Held(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
