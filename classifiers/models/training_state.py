"""The state of a training that is not done, beside the folder of its model."""

import contextlib
import hashlib
import json
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.heads.course import Position, State
from classifiers.models.provenance import library_versions
from pipelines.cli import log
from pipelines.drafts import whole_file
from pipelines.system.keras_backend import load_keras
from pipelines.untrusted import value_from_json

SUFFIX = ".training"
"""What the folder of the state adds to the model's name."""

FILE = "state.npz"

CHECKPOINT_SECONDS = 10.0
"""Between two states, if not said otherwise: a head that trains in seconds writes none."""

ARCHIVE_ERRORS = (zipfile.BadZipFile, zlib.error, NotImplementedError)

Identity = Mapping[str, Any]
"""What makes a training the one that it is, as JSON has it: two that differ in none of it go
through the same states."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a state's file says besides arrays.

    Attributes:
        identity: of the training.
        position: how far it is.
        arrays: how many are weights, slots and best weights.
    """

    identity: dict[str, Any]
    position: Position
    arrays: tuple[int, int, int]


class TrainingState:
    """Keeps the newest state of one training; a `Keeper`.

    The file is written whole or not at all. It takes the weights, the optimizer's slots and, with
    `--keep best`, the best weights once, and twice that while it is written.
    """

    def __init__(self, model: Path, identity: Identity, every: float) -> None:
        """Keep states for a model.

        Args:
            model: the model's folder.
            identity: of the training.
            every: seconds between two states at least; 0 for one after each epoch.
        """
        followed = model.resolve() if model.is_symlink() else model
        self.folder = followed.with_name(followed.name + SUFFIX)
        # As it comes back from JSON, to be compared with what does.
        self._identity: dict[str, Any] = json.loads(json.dumps(identity))
        self._every = every
        self._last = time.monotonic()

    def load(self) -> State | None:
        """See `Keeper.load`; a state that is damaged or another training's is told of."""
        path = self.folder / FILE
        if not path.exists():
            return None
        try:
            header, arrays = _read(path)
        except (ValueError, KeyError, OSError, EOFError, *ARCHIVE_ERRORS) as error:
            said = str(error).partition("\n")[0]
            log(f"{path} is damaged, so the training starts anew: {said}")
            return None
        wanted, found = self._identity, header.identity
        names = sorted(wanted.keys() | found.keys())
        others = [name for name in names if wanted.get(name) != found.get(name)]
        if others:
            log(
                f"{path} is of another training ({', '.join(others)} differ), so this one starts "
                "anew"
            )
            return None
        weights, slots, best = (list(islice(arrays, count)) for count in header.arrays)
        return State(header.position, weights, slots, best)

    def is_due(self) -> bool:
        """See `Keeper.is_due`."""
        return time.monotonic() - self._last >= self._every

    def save(self, state: State) -> None:
        """See `Keeper.save`; where it cannot be written the training goes on, which is told."""
        header = Header(
            self._identity,
            state.position,
            (len(state.weights), len(state.slots), len(state.best)),
        )
        arrays = [*state.weights, *state.slots, *state.best]
        try:
            self.folder.mkdir(exist_ok=True)
            self._delete_drafts()
            with whole_file(self.folder / FILE) as file:
                text = np.frombuffer(json.dumps(asdict(header)).encode(), np.uint8)
                np.savez(file, text, *arrays)
        except OSError as error:
            log(f"the state of the training could not be kept, which goes on: {error}")
        self._last = time.monotonic()

    def delete(self) -> None:
        """Delete it, and what a killed process left of one; what is not ours stays."""
        with contextlib.suppress(OSError):
            (self.folder / FILE).unlink(missing_ok=True)
            self._delete_drafts()
            self.folder.rmdir()

    def _delete_drafts(self) -> None:
        for draft in self.folder.glob(".draft-*"):
            draft.unlink(missing_ok=True)


def of_every_training(
    classes: Sequence[str], class_weight: Mapping[int, float] | None, seed: int
) -> dict[str, Any]:
    """What belongs to the identity of every training."""
    return {
        "classes": list(classes),
        "class_weight": None if class_weight is None else sorted(class_weight.items()),
        "seed": seed,
        "versions": library_versions(),
        "backend": load_keras().backend.backend(),
    }


def digest(parts: Iterable[bytes | npt.NDArray[Any]]) -> str:
    """A hash of what is trained on, hexadecimal."""
    hashed = hashlib.sha256()
    for part in parts:
        whole = np.frombuffer(part, np.uint8) if isinstance(part, bytes) else part
        hashed.update(f"{whole.dtype} {whole.shape}".encode())
        hashed.update(np.ascontiguousarray(whole).data)
    return hashed.hexdigest()


def _read(path: Path) -> tuple[Header, Iterator[npt.NDArray[Any]]]:
    """Read a state's file.

    Raises:
        ValueError: it is none; other errors are those of NumPy and of ZIP archives.
    """
    with path.open("rb") as file, np.load(file) as archive:
        header = value_from_json(archive["arr_0"].tobytes(), Header)
        at = header.position
        if min(header.arrays) < 0 or len(at.rows) != at.step + 1:
            raise ValueError("it contradicts itself")
        return header, iter([archive[f"arr_{number + 1}"] for number in range(sum(header.arrays))])
