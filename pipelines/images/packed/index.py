"""What a packed file holds, as far as it matters: its images, where they are, and their columns."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from pipelines.images.text_values import json_text
from pipelines.records import labels_of

PACKED_SUFFIXES = frozenset({".tar", ".zip"})
"""Files that images are packed in, by suffix in lower case."""

MOST_SAID = 1 << 20
"""Bytes of such a member, at most."""


NOTHING_SAID: Mapping[str, str | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PackedImage:
    """An image in a packed file.

    Attributes:
        name: of the member.
        start: where its address says that it begins.
        packed: bytes that its address names.
        bytes: bytes of the image itself.
        columns: what is said of it, by name of `pipelines.images.layout.COLUMNS`.
    """

    name: str
    start: int
    packed: int
    bytes: int
    columns: Mapping[str, str | None] = field(default_factory=lambda: NOTHING_SAID)


@dataclass
class Index:
    """What a packed file holds.

    Attributes:
        kind: of the file, one of `pipelines.stores.members.KINDS`.
        images: what can be read.
        faults: members that cannot be used, and why.
        suffixes: other members, by suffix in lower case.
    """

    kind: str
    images: list[PackedImage] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    suffixes: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """The index as the cache keeps it."""
        rows = [[e.name, e.start, e.packed, e.bytes, dict(e.columns)] for e in self.images]
        return {
            "kind": self.kind,
            "images": rows,
            "faults": self.faults,
            "suffixes": dict(self.suffixes),
        }

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> "Index":
        """The index that `as_json` gave."""
        images = [
            PackedImage(name, start, packed, size, columns or NOTHING_SAID)
            for name, start, packed, size, columns in values["images"]
        ]
        faults = [(name, why) for name, why in values["faults"]]
        return cls(values["kind"], images, faults, Counter(values["suffixes"]))


def key_of(name: str) -> str:
    """A member's name up to the first dot of its last part: members of a sample share it."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def extension_of(name: str) -> str:
    """What comes after the first dot of a member's last part, in lower case."""
    return PurePosixPath(name).name.partition(".")[2].lower()


def said_of(content: bytes, extension: str, wanted: str) -> str | None:
    """What a member says of its image, if it is the one that is asked.

    Args:
        content: the member.
        extension: its own.
        wanted: an extension, or of a JSON object's field `json.FIELD`.

    Raises:
        ValueError: it is no text, or no such JSON.
    """
    asked, _, name = wanted.partition(".")
    if asked != extension:
        return None
    text = content.decode("utf-8").strip()
    if not name:
        return text or None
    try:
        row = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    for part in name.split("."):
        row = row.get(part) if isinstance(row, dict) else None
    try:
        said = json_text(row)
    except ValueError as error:
        raise ValueError(f"its {name!r} is no text") from error
    return said if said is None or labels_of(said) is not None else said.strip() or None
