"""Versions of a model in a local folder.

Version N lies in `PLACE/_versions/N`. A model that lies in the folder itself, as a training puts it
there, is version 1. A version is written beside the others under another name and takes its own
in one step, which fails if another process took it first.
"""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from classifiers.models.place import CARD_FILE
from classifiers.models.versions.draft import Draft
from pipelines.errors import ModelError, UsageError
from pipelines.outputs import TABLES, VERSIONS, require_outside

_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


@dataclass(frozen=True, slots=True)
class LocalVersions:
    """The versions in a folder.

    Attributes:
        folder: the folder.
        option: that named it, for complaints.
    """

    folder: Path
    option: str = "--model"

    @property
    def location(self) -> str:
        """The folder, as names have it."""
        return str(self.folder)

    def state_beside(self) -> Path:
        """What the state of a training lies beside."""
        return self.folder

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing but a model that lies in the folder itself, or nothing."""
        return not (self.folder / VERSIONS).is_dir()

    def numbers(self) -> list[int]:
        """The versions that there are, ascending."""
        first = [1] if (self.folder / CARD_FILE).is_file() else []
        return first + sorted(set(map(int, self._names())) - set(first))

    def name(self, number: int) -> str:
        """What a version is called."""
        return f"{self.folder}@{number}"

    @contextlib.contextmanager
    def files(self, number: int) -> Iterator[Path]:
        """The folder of a version."""
        yield self.path(number)

    def path(self, number: int) -> Path:
        """The folder of a version, whether or not there is one."""
        if number == 1 and (self.is_plain or (self.folder / CARD_FILE).is_file()):
            return self.folder
        return self.folder / VERSIONS / str(number)

    def check(self) -> None:
        """Refuse a folder in which a version cannot be put.

        Raises:
            UsageError: something else is there.
            OSError: it cannot be made or written.
        """
        require_outside(self.folder, self.option, TABLES)
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"{self.option} {self.folder} is a file; a model is a folder")
        if self.folder.is_dir() and not self.numbers() and any(self._strangers()):
            raise UsageError(
                f"{self.option} {self.folder} is a folder of other things; name another"
            )
        nearest = next(each for each in (self.folder, *self.folder.parents) if each.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            raise UsageError(f"{self.option} {self.folder}: no right to write in {nearest}")

    @contextlib.contextmanager
    def draft(self, number: int | None = None) -> Iterator[Draft]:
        """A folder to write a model into, which becomes a version.

        Args:
            number: the version that it must become; the next one when None.

        Raises:
            ModelError: another process put a version of that number there meanwhile.
        """
        versions = self.folder / VERSIONS
        versions.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=versions, prefix=".draft-") as temporary:
            draft = Draft(Path(temporary) / "model", str(self.folder))
            draft.folder.mkdir()
            yield draft
            wanted = number or self._next()
            while not self._take(draft.folder, wanted):
                if number is not None:
                    raise ModelError(
                        f"{self.name(number)} was put there meanwhile by another process; nothing "
                        "was changed, run the command again"
                    )
                wanted = self._next()
            draft.place = self.name(wanted)

    def _names(self) -> list[str]:
        folder = self.folder / VERSIONS
        if not folder.is_dir():
            return []
        names = [entry.name for entry in folder.iterdir() if (entry / CARD_FILE).is_file()]
        return [name for name in names if name.isdecimal() and name == str(int(name)) != "0"]

    def _next(self) -> int:
        return max(self.numbers(), default=0) + 1

    def _take(self, draft: Path, number: int) -> bool:
        try:
            draft.rename(self.folder / VERSIONS / str(number))
        except OSError as error:
            if error.errno in _TAKEN:
                return False
            raise
        return True

    def _strangers(self) -> Iterator[Path]:
        return (path for path in self.folder.iterdir() if path.name != VERSIONS)
