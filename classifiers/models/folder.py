"""A model folder: the head, the card that says what it was made from, its history and pictures."""

import csv
import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from classifiers.heads.catalogue import fitted_of
from classifiers.heads.head import FittedHead, History, Judgement
from classifiers.heads.network import FittedNetwork
from classifiers.heads.pooling import PooledHead
from classifiers.heads.scikit import FittedScikit
from classifiers.heads.several.head import FittedSeveral
from classifiers.models.card import ModelCard, card_from_json
from classifiers.models.deciding import Decided
from classifiers.models.place import BASE_FILE, CARD_FILE, HISTORY_FILE, left_beside
from classifiers.models.soundness import require_sound
from pipelines.bases.quantised import quantised_at
from pipelines.errors import ModelError, UsageError
from pipelines.images.lookalikes import what_it_is

LARGEST_CARD = 1 << 30
"""Bytes; that of a model of a thousand classes, with its confusions, has 26 MB."""

Saved = TypeVar("Saved", FittedHead, FittedSeveral)

ZIPPED = frozenset({FittedNetwork.file_name, FittedScikit.file_name})
"""Files that are ZIP archives, whose last bytes say so."""

AGAIN = "copy it again from where it is whole, or train it again"
"""What to do about a damaged model."""


@dataclass(frozen=True, slots=True)
class Model:
    """A trained head and its card.

    Attributes:
        head: the head.
        card: its card.
        name: what messages call it.
        own_base: path of the quantised base that it brought with it; None if it brought none.
    """

    head: FittedHead
    card: ModelCard
    name: str = "the model"
    own_base: str | None = None

    @property
    def base_file(self) -> str | None:
        """Path or URI of the quantised base of its features; None where they have none."""
        return base_file_of(self.card, self.own_base)

    def judge(self, features: npt.NDArray[np.float32]) -> Judgement:
        """See `FittedHead.judge`, which this is, calibrated as the card says."""
        return Decided(self.head, self.card.decisions).judge(features)


def write_model(
    draft: Path, head: FittedHead | FittedSeveral, card: ModelCard, history: History
) -> ModelCard:
    """Write head, card and history into a model's draft.

    Returns:
        The card as it was written, which says what the head's file is.
    """
    head.save(draft)
    card = replace(card, model_sha256=_sha256(draft / head.file_name))
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
    return card


def load_model(folder: Path) -> Model:
    """Read the folder of a model that tells classes apart by images, or features of one table.

    Raises:
        ModelError: it is none, it is damaged, or it is not what its card says.
        UsageError: the model gives an image several labels, or takes features of several tables.
    """
    require_usual(read_card(folder), str(folder))
    return load_of_classes(folder)


def load_of_classes(folder: Path) -> Model:
    """Read the folder of a model that tells classes apart, whatever it takes.

    Raises:
        ModelError: it is none, it is damaged, or it is not what its card says.
        UsageError: the model gives an image several labels.
    """
    card = read_card(folder)
    require_one_class(card, str(folder))
    fitted = fitted_of(card.head) if card.images is None else FittedNetwork
    head: FittedHead = read_head(folder, card, fitted)
    if card.pooled is not None:
        head = PooledHead(head, card.pooled)
    model = Model(head, card, f"the model in {folder}", own_base_in(folder))
    require_sound(head, card, model.name)
    return model


def own_base_in(folder: Path) -> str | None:
    """Path of the quantised base that a model brought with it; None if it brought none."""
    base = folder / BASE_FILE
    return str(base) if base.is_file() else None


def base_file_of(card: ModelCard, own_base: str | None) -> str | None:
    """Path or URI of the quantised base of a model's features; None where they have none.

    Args:
        card: the model's.
        own_base: what `own_base_in` found.
    """
    if own_base is not None or card.contract is None:
        return own_base
    return quantised_at(card.table, card.contract)


def read_head(folder: Path, card: ModelCard, fitted: type[Saved]) -> Saved:
    """Read the head of a model folder.

    Args:
        folder: the folder.
        card: its card.
        fitted: what reads such a head.

    Raises:
        ModelError: it is not there, damaged, or not the one that the card was written with.
    """
    path = folder / fitted.file_name
    if not path.is_file():
        raise ModelError(f"{folder} has no {fitted.file_name}, the file of a {card.head}; {AGAIN}")
    try:
        _check_members(path)
        head = fitted.load(folder)
        found = _sha256(path)
    except ModelError:
        raise
    except Exception as error:  # each library has its own errors for a damaged file
        raise ModelError(f"cannot read {path}: {_why_not(path, error)}; {AGAIN}") from error
    if card.model_sha256 not in (None, found):
        raise ModelError(
            f"{path} is not the file that {folder / CARD_FILE} was written with; put back the two "
            "that belong together, or train it again"
        )
    return head


def require_usual(card: ModelCard, name: str) -> None:
    """Refuse a model that gives several labels, or takes the features of several tables.

    Raises:
        UsageError: it does.
    """
    require_one_class(card, name)
    if card.beside:
        raise UsageError(
            f"{name} takes the features of {1 + len(card.beside)} tables side by side, and this "
            "takes models of one; evaluate and predict take it, with --also_table"
        )


def require_one_class(card: ModelCard, name: str) -> None:
    """Refuse a model that gives an image several labels.

    Raises:
        UsageError: it does.
    """
    if card.several is not None:
        raise one_class_wanted(name)


def one_class_wanted(name: str) -> UsageError:
    """What to say of a model that gives an image several labels where one class is told."""
    return UsageError(
        f"{name} gives an image several labels, and this takes models that tell classes apart; "
        "evaluate and predict take it"
    )


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
        raise ModelError(
            f"{path} is no card: it has more than {LARGEST_CARD:,} bytes; train the model again"
        )
    try:
        return card_from_json(path.read_bytes())
    except (ValueError, OSError) as error:
        raise ModelError(f"cannot read {path}: {error}; {AGAIN}") from error


def _check_members(path: Path) -> None:
    """Hold a zipped model against its own checksums, which HDF5 skips by jumping about in it.

    Raises:
        zipfile.BadZipFile: a member is damaged.
    """
    if path.name in ZIPPED and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"Bad CRC-32 for file {damaged!r}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _why_not(path: Path, error: Exception) -> str:
    """Why a file cannot be read: what libraries say of one that is cut short is "not found"."""
    try:
        with path.open("rb") as file:
            begin = file.read(64)
        if not begin:
            return "it is empty"
        if path.name in ZIPPED and not zipfile.is_zipfile(path):
            looks = None if begin.startswith(b"PK") else what_it_is(begin)
            return looks or "it is cut short, or no model at all"
    except OSError as unreadable:
        return str(unreadable)
    return str(error)
