"""What a search has finished, kept so that one that is killed goes on from there."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifiers.searching.outcomes import Outcome
from classifiers.searching.settings import SettingsPath
from pipelines.cli import log
from pipelines.drafts import write_whole
from pipelines.untrusted import value_from_json

KEPT_FILE = "finished.json"


@dataclass(frozen=True, slots=True)
class _File:
    question: str
    finished: dict[str, list[Outcome]]


class Kept:
    """The outcomes of finished paths, in a folder or, without one, nowhere.

    They count for the same question only: the same version of the same table, divided alike.
    """

    def __init__(self, folder: Path | None, question: Mapping[str, Any]) -> None:
        """Read what is there.

        Args:
            folder: where it is kept; None to keep nothing.
            question: all that outcomes depend on besides the settings and the fold.
        """
        text = json.dumps(question, sort_keys=True).encode()
        self._question = hashlib.sha256(text).hexdigest()
        self._file = None if folder is None else folder / KEPT_FILE
        self._finished: dict[str, list[Outcome]] = {}
        if self._file is not None and self._file.is_file():
            self._read(self._file)

    def _read(self, path: Path) -> None:
        try:
            found = value_from_json(path.read_bytes(), _File)
        except (ValueError, OSError) as error:
            log(f"{path} cannot be read and is made anew: {error}")
            return
        if found.question != self._question:
            log(f"{path} is of another search and is made anew")
            return
        self._finished = found.finished
        log(f"goes on from {len(self._finished)} paths, finished or begun, in {path}")

    def get(self, path: SettingsPath, fold: int) -> Sequence[Outcome]:
        """The outcomes of a path's first settings on a fold, as far as they are finished."""
        return self._finished.get(f"{path.name} {fold}", [])[: len(path.points)]

    def put(self, path: SettingsPath, fold: int, outcomes: Sequence[Outcome]) -> None:
        """Keep the outcomes of a path's first settings on a fold."""
        self._finished[f"{path.name} {fold}"] = list(outcomes)
        if self._file is not None:
            text = json.dumps(asdict(_File(self._question, self._finished)), allow_nan=False)
            write_whole(self._file, text.encode())
