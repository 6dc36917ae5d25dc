"""How what is at an input's location is to be understood, where it does not say so itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

COLUMNS = ("path", "id", "label", "split", "group")
"""What a manifest, or another file of rows, may say of an image."""

STAT_COLUMNS = ("size", "modified")
"""What a manifest may say of an image's file, so that nobody needs to ask; only where it is told to
be that, since a column of such a name is often something else."""

BY_ID, BY_GROUP, STRATIFIED = "id", "group", "stratified"
SPLIT_BY = (BY_ID, BY_GROUP, STRATIFIED)

FOLDER, PARENT, NONE, FILENAME = "folder", "parent", "none", "filename"


@dataclass(frozen=True, slots=True)
class LabelsFrom:
    """Where in an image's path its label stands.

    Attributes:
        kind: `FOLDER`, the first folder, below that of a split where there is one; `PARENT`, the
            folder it lies in; `NONE`, nowhere; or `FILENAME`, in its own name.
        pattern: with `FILENAME`, what the label matches in the name, by its first group if it has
            one.
    """

    kind: str
    pattern: re.Pattern[str] | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what the option says.

        Raises:
            ValueError: it says nothing that is known.
        """
        kind, colon, regex = text.partition(":")
        if kind == FILENAME and regex:
            try:
                return cls(kind, re.compile(regex))
            except re.error as error:
                raise ValueError(f"{regex!r} is no regular expression: {error}") from error
        if kind in (FOLDER, PARENT, NONE) and not colon:
            return cls(kind)
        raise ValueError(f"{text!r} is none of {FOLDER}, {PARENT}, {NONE} and {FILENAME}:REGEX")

    @property
    def text(self) -> str:
        """The option's value that says it."""
        return self.kind if self.pattern is None else f"{self.kind}:{self.pattern.pattern}"

    def of(self, parts: Sequence[str], split: int | None) -> str | None:
        """The label of an image; None where there is none.

        Args:
            parts: the names of the folders that it lies in, and its own.
            split: which of them is a split's.
        """
        *folders, name = parts
        if self.kind == FOLDER:
            below = folders if split is None else folders[split + 1 :] or folders[:split]
            return below[0] if below else None
        if self.kind == PARENT:
            return folders[-1] if folders and split != len(folders) - 1 else None
        found = None if self.pattern is None else self.pattern.search(name)
        if found is None:
            return None
        return (found[1] if found.re.groups else found[0]) or None


@dataclass(frozen=True, slots=True)
class Layout:
    """How to understand an input.

    Attributes:
        columns: by name of `COLUMNS`, what the file calls the column; others are known by theirs.
        stat_columns: by name of `STAT_COLUMNS`, what a manifest calls the column; all or none.
        id_prefix: what every image's id begins with.
        version: of a Delta table; None for the newest.
        private_hosts: whether URLs may lead to this machine and to private networks.
        any_suffix: whether files of other suffixes, or of none, are images if they begin as such.
        labels_from: where labels stand in paths; None for where the depth of folders says, and for
            a manifest's own column.
        label_separator: what divides labels where an image has several of them in one text; None
            where a text is one label.
        split_by: one of `SPLIT_BY`, by what images are divided that the input has no split of; None
            for the group where there is one, and the id where there is none.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    stat_columns: Mapping[str, str] = field(default_factory=dict)
    id_prefix: str = ""
    version: int | None = None
    private_hosts: bool = False
    any_suffix: bool = False
    labels_from: LabelsFrom | None = None
    label_separator: str | None = None
    split_by: str | None = None


PLAIN = Layout()
