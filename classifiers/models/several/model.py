"""A model that gives an image several labels, in memory and in its folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifiers.heads.several.catalogue import fitted_several
from classifiers.heads.several.head import FittedSeveral, Opinion
from classifiers.models.card import ModelCard
from classifiers.models.folder import base_file_of, own_base_in, read_card, read_head
from classifiers.models.several.decided import SeveralLabels
from classifiers.models.soundness import require_sound
from pipelines.errors import UsageError


@dataclass(frozen=True, slots=True)
class SeveralModel:
    """A trained head of several labels and its card.

    Attributes:
        head: the head.
        card: its card.
        name: what messages call it.
        own_base: path of the quantised base that it brought with it; None if it brought none.
    """

    head: FittedSeveral
    card: ModelCard
    name: str = "the model"
    own_base: str | None = None

    @property
    def base_file(self) -> str | None:
        """Path or URI of the quantised base of its features; None where they have none."""
        return base_file_of(self.card, self.own_base)

    @property
    def labels(self) -> tuple[str, ...]:
        """Their names, by number."""
        return self.card.classes

    @property
    def several(self) -> SeveralLabels:
        """From which score on it gives each."""
        return of_several(self.card, self.name)

    def opine(self, features: npt.NDArray[np.float32]) -> Opinion:
        """See `FittedSeveral.opine`, which this is."""
        return self.head.opine(features)


def of_several(card: ModelCard, name: str) -> SeveralLabels:
    """What a card says of several labels.

    Raises:
        UsageError: it is of a model that tells classes apart.
    """
    if card.several is None:
        raise UsageError(f"{name} tells classes apart of which an image has one")
    return card.several


def load_several(folder: Path) -> SeveralModel:
    """Read the folder of a model that gives an image several labels.

    Raises:
        ModelError: it is none, it is damaged, or it is not what its card says.
        UsageError: the model tells classes apart.
    """
    card = read_card(folder)
    name = f"the model in {folder}"
    of_several(card, name)
    head = read_head(folder, card, fitted_several(card.head))
    require_sound(head, card, name)
    return SeveralModel(head, card, name, own_base_in(folder))
