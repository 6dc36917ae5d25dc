"""Which columns of a manifest are meant: ours by name, what other tools call them, or as told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.cli import few, log
from pipelines.errors import InputError
from pipelines.images.layout import COLUMNS, STAT_COLUMNS

ALIASES = {
    "path": ("file_name", "filename", "image", "filepath"),
    "label": ("class", "category", "target"),
}
"""What other tools call our columns; one that stands alone is taken, and that is said."""

LOOKS_MEANT = {
    "path": ("file", "file_path", "image_path", "image_file", "img", "img_path", "uri", "url"),
    "id": ("image_id", "key", "name"),
    "label": ("labels", "class_name", "classname", "y"),
    "split": ("set", "subset", "fold", "partition"),
    "group": (
        *("group_id", "patient", "patient_id", "subject", "subject_id", "person", "product"),
        *("product_id", "video", "video_id", "scene", "burst", "session", "site"),
    ),
}
"""Names of columns that may be meant, and as well something else; they are told of and not read."""


SHOWN = 8
"""Columns that are named."""


class NoPathError(InputError):
    """A file has no column of the name that is said to be that of the paths."""


@dataclass(frozen=True, slots=True)
class Names:
    """Tells the columns of one manifest by their names, in any case and with spaces around them.

    Attributes:
        manifest: the file, for complaints.
        given: by name of `COLUMNS`, what the user says that the file calls it.
    """

    manifest: str
    given: Mapping[str, str] = field(default_factory=dict)

    def may_be_ours(self, name: str) -> bool:
        """Whether a column is read, for all that its own name says."""
        plain = _plain(name)
        known = any(plain == ours or plain in ALIASES.get(ours, ()) for ours in COLUMNS)
        return known or name in self.given.values()

    def has_path(self, names: Sequence[str]) -> bool:
        """Whether a column is named among some that may hold the paths."""
        if "path" in self.given:
            return self.given["path"] in names
        return any(_plain(name) in ("path", *ALIASES["path"]) for name in names)

    def settle(self, names: Sequence[str]) -> dict[str, str]:
        """What the file calls our columns; tells what is taken for what, and what is left out.

        Args:
            names: of all of its columns.

        Returns:
            By name of `COLUMNS`, for those that it has; of `STAT_COLUMNS`, for those given.

        Raises:
            InputError: there is no path, or it cannot be told which of several columns is meant.
        """
        found, taken = {}, []
        for ours in COLUMNS:
            called = self._given(ours, names) or self._own(ours, names)
            if called is None:
                called = self._alias(ours, names)
                taken += [f"{called!r} is taken for the {ours}"] if called is not None else []
            if called is not None:
                found[ours] = called
            else:
                self._tell(ours, names)
        for ours in STAT_COLUMNS:
            called = self._given(ours, names)
            found |= {} if called is None else {ours: called}
        if "path" not in found:
            there = few([repr(name) for name in names], SHOWN) or "none"
            raise InputError(
                f"{self.manifest} has no column 'path', it has {there}; --path_column names the "
                "one with the images' files"
            )
        if taken:
            log(f"of the columns of {self.manifest}, {', '.join(taken)}")
        return found

    def _given(self, ours: str, names: Sequence[str]) -> str | None:
        called = self.given.get(ours)
        if called is not None and called not in names:
            raise (NoPathError if ours == "path" else InputError)(
                f"{self.manifest} has no column {called!r}, which --{ours}_column names; it has "
                f"{', '.join(names) or 'none'}"
            )
        return called and self._only(ours, [name for name in names if name == called])

    def _own(self, ours: str, names: Sequence[str]) -> str | None:
        return self._only(ours, [name for name in names if _plain(name) == ours])

    def _alias(self, ours: str, names: Sequence[str]) -> str | None:
        free = [name for name in names if name not in self.given.values()]
        return self._only(ours, [name for name in free if _plain(name) in ALIASES.get(ours, ())])

    def _only(self, ours: str, found: Sequence[str]) -> str | None:
        if len({*found}) > 1:
            raise InputError(
                f"{self.manifest} has columns {' and '.join(map(repr, found))}, each of which may "
                f"be the {ours}; --{ours}_column {found[0]!r} takes the first"
            )
        if len(found) > 1:
            raise InputError(
                f"{self.manifest} has {len(found)} columns {found[0]!r}; rename all but one"
            )
        return found[0] if found else None

    def _tell(self, ours: str, names: Sequence[str]) -> None:
        free = [name for name in names if name not in self.given.values()]
        meant = [name for name in free if _plain(name) in LOOKS_MEANT.get(ours, ())]
        if meant and ours == "path":
            raise InputError(
                f"{self.manifest} has no column 'path'; --path_column {meant[0]!r} takes that one"
            )
        if meant:
            log(
                f"column {meant[0]!r} of {self.manifest} is not read; "
                f"--{ours}_column {meant[0]!r} takes it for the {ours}"
            )


def _plain(name: str) -> str:
    return name.strip().lower()
