"""A model folder: the head, the card that says what it was made from, its history and pictures."""

import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from classifiers.heads.catalogue import fitted_of
from classifiers.heads.head import FittedHead, History
from classifiers.heads.network import FittedNetwork
from classifiers.models.card import ModelCard, card_from_json
from classifiers.models.place import CARD_FILE, HISTORY_FILE, left_beside
from classifiers.models.soundness import require_sound
from pipelines.errors import ModelError

LARGEST_CARD = 1 << 30
"""Bytes; that of a model of a thousand classes, with its confusions, has 26 MB."""


@dataclass(frozen=True, slots=True)
class Model:
    """A trained head and its card."""

    head: FittedHead
    card: ModelCard


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
        ModelError: it is none, it is damaged, or it is not what its card says.
    """
    card = read_card(folder)
    fitted = fitted_of(card.head) if card.images is None else FittedNetwork
    if not (folder / fitted.file_name).is_file():
        raise ModelError(f"{folder} has no {fitted.file_name}; train it again")
    try:
        head = fitted.load(folder)
    except ModelError:
        raise
    except Exception as error:  # each library has its own errors for a damaged file
        raise ModelError(f"cannot read {folder / fitted.file_name}: {error}") from error
    require_sound(head, card)
    return Model(head, card)


def read_card(folder: Path) -> ModelCard:
    """Read a model's card alone.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    path = folder / CARD_FILE
    if not path.is_file():
        kept = " and ".join(str(each) for each in left_beside(folder))
        if kept:
            raise ModelError(
                f"no model in {folder}: a training was stopped as it put one there, and left "
                f"{kept}; move the one to keep to {folder}"
            )
        raise ModelError(f"no model in {folder}; classifiers.train makes one")
    if path.stat().st_size > LARGEST_CARD:
        raise ModelError(f"{path} is no card: it has more than {LARGEST_CARD:,} bytes")
    try:
        return card_from_json(path.read_bytes())
    except (ValueError, OSError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
