"""A model in memory or by its folder: whichever is given, its card and its head."""

import os
from pathlib import Path

from classifiers.models.card import ModelCard
from classifiers.models.folder import Model, load_model, read_card

ModelOrFolder = Model | str | os.PathLike[str]


def card_of(model: ModelOrFolder) -> ModelCard:
    """The card, without reading the head.

    Raises:
        ModelError: the folder holds no model, or a damaged one.
    """
    return model.card if isinstance(model, Model) else read_card(Path(model))


def name_of(model: ModelOrFolder) -> str:
    """What to call a model in a report: its folder."""
    return model.name if isinstance(model, Model) else os.fspath(model)


def opened(model: ModelOrFolder) -> Model:
    """The model, read if need be.

    Raises:
        ModelError: the folder holds no model, or a damaged one.
    """
    return model if isinstance(model, Model) else load_model(Path(model))
