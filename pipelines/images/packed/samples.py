"""Members of a packed file put together: an image, and what the members beside it say of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from pipelines.images.kinds import IMAGE_SUFFIXES
from pipelines.images.packed.index import (
    NOTHING_SAID,
    Index,
    PackedImage,
    extension_of,
    key_of,
    said_of,
)
from pipelines.records import labels_of


class Samples:
    """Takes a file's members as they come, in any order."""

    def __init__(self, kind: str, columns: Mapping[str, str]) -> None:
        """Begin with none.

        Args:
            kind: of the file.
            columns: by name of a column, the extension of the members that say it, or of a JSON
                object's field `json.FIELD`; "path" has the extension of the images that are meant.
        """
        self._index = Index(kind)
        self._names: dict[str, PackedImage] = {}
        self._said: dict[str, dict[str, str | None]] = {}
        self._extensions = {
            called.partition(".")[0] for n, called in columns.items() if n != "path"
        }
        self._columns = {name: called for name, called in columns.items() if name != "path"}
        self._meant = columns.get("path")
        self._unclear: dict[str, str] = {}

    def takes(self, name: str) -> bool:
        """Whether a member matters; the others are counted. Hidden ones are left out."""
        parts = PurePosixPath(name).parts
        if any(part.startswith(".") and part != ".." for part in parts):
            return False
        if self.is_image(name) or extension_of(name) in self._extensions:
            if name.startswith("/") or ".." in parts:
                self.fault(name, "its name leads out of the file")
                return False
            return True
        self._index.suffixes[PurePosixPath(name).suffix.lower()] += 1
        return False

    def is_image(self, name: str) -> bool:
        """Whether a member is one of the images, by its name."""
        if self._meant is not None:
            return extension_of(name) == self._meant.lower().lstrip(".")
        return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES

    def image(self, name: str, image: PackedImage) -> None:
        """Take an image."""
        if name in self._names:
            self.fault(name, "a second member has its name")
        else:
            self._names[name] = image

    def said(self, name: str, content: bytes | None) -> None:
        """Take what a member says of the image with its key; None if it cannot be read."""
        row = self._said.setdefault(key_of(name), {})
        extension = extension_of(name)
        try:
            if content is None:
                raise ValueError("it is damaged")
            for column, called in self._columns.items():
                value = said_of(content, extension, called)
                if column != "label" and labels_of(value) is not None:
                    raise ValueError(f"its {called.partition('.')[2]!r} is no text")
                if value is not None:
                    row[column] = value
        except ValueError as error:
            self._unclear[key_of(name)] = f"what {name} says of it cannot be read ({error})"

    def fault(self, name: str, why: str) -> None:
        """Take note of a member that cannot be used."""
        self._index.faults.append((name, why))

    def index(self) -> Index:
        """What was found; what is said of no image is a fault of its own."""
        keys = set(map(key_of, self._names))
        for key in sorted(self._said.keys() - keys):
            self.fault(key, "there is no image beside what is said of it")
        for name, image in self._names.items():
            if key_of(name) in self._unclear:
                self.fault(name, self._unclear[key_of(name)])
                continue
            self._index.images.append(
                replace(image, columns=self._said.get(key_of(name), NOTHING_SAID))
            )
        return self._index
