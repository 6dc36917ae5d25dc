"""A model folder: the head, the card that says what it was made from, its history and pictures."""

import contextlib
import csv
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from classifiers.heads.finetune import FittedFineTuned
from classifiers.heads.head import FittedHead, History
from classifiers.heads.network import FittedNetwork
from classifiers.heads.scikit import FittedScikit
from classifiers.models.card import ImageCard, ModelCard
from pipelines.contract import Contract
from pipelines.errors import ModelError, UsageError

CARD_FILE = "card.json"
HISTORY_FILE = "history.csv"
CURVES_FILE = "curves.png"
CONFUSION_FILE = "confusion.png"

MODEL_FILES = frozenset(
    {
        CARD_FILE,
        HISTORY_FILE,
        CURVES_FILE,
        CONFUSION_FILE,
        FittedNetwork.file_name,
        FittedScikit.file_name,
    }
)

KINDS: dict[str, type[FittedNetwork]] = {
    "dense": FittedNetwork,
    "softmax": FittedNetwork,
    "finetune": FittedFineTuned,
}
"""What reads a model back, by the name of its head; scikit-learn's for all others."""


@dataclass(frozen=True, slots=True)
class Model:
    """A trained head and its card."""

    head: FittedHead
    card: ModelCard


def check_target(folder: Path, *, overwrite: bool) -> None:
    """Refuse a place where a model cannot be written, before hours go into training it.

    Raises:
        UsageError: something else is there, or a model is and must not be overwritten.
        OSError: the folder above cannot be made or written.
    """
    _check_taken(folder, overwrite=overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        if folder.exists():  # what is to take its place later must be able to
            try:
                folder.rename(Path(aside) / "before").rename(folder)
            except OSError as error:
                raise UsageError(
                    f"--model {folder} cannot be replaced ({error.strerror}); name a folder in it"
                ) from error


def _check_taken(folder: Path, *, overwrite: bool) -> None:
    if folder.exists():
        ours = folder.is_dir() and ((folder / CARD_FILE).is_file() or not any(folder.iterdir()))
        if not ours:
            raise UsageError(f"--model {folder} exists and is no model folder; name another")
        if any(folder.iterdir()) and not overwrite:
            raise UsageError(f"--model {folder} holds a model; name another, or give --overwrite")
        strangers = sorted({path.name for path in folder.iterdir()} - MODEL_FILES)
        if strangers:
            raise UsageError(
                f"--overwrite would delete {folder / strangers[0]}, which is no part of a model; "
                "move it, or name another --model"
            )


@contextlib.contextmanager
def model_draft(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """A folder to write a model into; it takes its name only when all of it is written.

    Args:
        folder: the model's.
        overwrite: whether it may take the place of a model.

    Raises:
        ModelError: another model, or something else, came there meanwhile; the new one is kept
            beside it.
    """
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        draft = Path(temporary) / "model"
        draft.mkdir()
        yield draft
        try:
            _check_taken(folder, overwrite=overwrite)
        except UsageError as error:
            kept = folder.with_name(Path(temporary).name.removeprefix("."))
            draft.rename(kept)
            raise ModelError(f"{error}; this model is in {kept}") from error
        before = Path(temporary) / "before"
        try:
            if folder.exists():
                folder.rename(before)
            draft.rename(folder)
        except BaseException:
            if before.exists() and not folder.exists():
                before.rename(folder)
            raise


def write_model(draft: Path, head: FittedHead, card: ModelCard, history: History) -> None:
    """Write head, card and history into a model's draft."""
    head.save(draft)
    text = json.dumps(asdict(card), indent=2, allow_nan=False)
    (draft / CARD_FILE).write_text(text + "\n", encoding="utf-8")
    with (draft / HISTORY_FILE).open("w", newline="", encoding="utf-8") as file:
        columns = list(history[0])
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        counts = ("epoch", "trainable")
        writer.writerows(
            {name: int(value) if name in counts else value for name, value in row.items()}
            for row in history
        )


def load_model(folder: Path) -> Model:
    """Read a model folder.

    Raises:
        ModelError: it is none, or it is damaged.
    """
    card = read_card(folder)
    kind = KINDS.get(card.head, FittedScikit) if card.images is None else FittedNetwork
    if not (folder / kind.file_name).is_file():
        raise ModelError(f"{folder} has no {kind.file_name}; train it again")
    try:
        return Model(kind.load(folder), card)
    except ModelError:
        raise
    except Exception as error:  # each library has its own errors for a damaged file
        raise ModelError(f"cannot read {folder / kind.file_name}: {error}") from error


def read_card(folder: Path) -> ModelCard:
    """Read a model's card alone.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    path = folder / CARD_FILE
    if not path.is_file():
        raise ModelError(f"no model in {folder}; classifiers.train makes one")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.get("images") is None:
            values["contract"] = Contract(**values["contract"])
        else:
            values["images"] = ImageCard(**values["images"])
        values["classes"] = tuple(values["classes"])
        return ModelCard(**values)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
