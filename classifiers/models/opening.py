"""A model in memory, by its folder, or by its name: its card and its head."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from classifiers.models.card import ModelCard
from classifiers.models.folder import (
    Model,
    load_of_classes,
    one_class_wanted,
    read_card,
    require_one_class,
    require_usual,
)
from classifiers.models.several.model import SeveralModel, load_several
from classifiers.models.versions.names import ModelName
from classifiers.models.versions.places import versions_at
from pipelines.cli import few
from pipelines.errors import ModelError, UsageError
from pipelines.outputs import VERSIONS
from pipelines.stores.places import is_remote

ModelOrFolder = Model | SeveralModel | str | os.PathLike[str]

SHOWN = 5
"""Versions that are named of those that there are."""


def found(name: ModelName) -> ModelOrFolder:
    """The model of a name, `latest` being the one that is so now.

    Returns:
        The folder of a local one, and whoever reads it says what it lacks; one in a bucket is read.

    Raises:
        ModelError: there is no such version, or the store does not give it.
    """
    name = pinned(name)
    with files_of(name) as folder:
        if not is_remote(name.location):
            return folder
        if gives_several(folder):
            return replace(load_several(folder), name=str(name))
        return replace(load_of_classes(folder), name=str(name))


def pinned(name: ModelName) -> ModelName:
    """The name with the number of the version that it is of now; a plain folder has none.

    Raises:
        ModelError: there is no such version.
    """
    versions = versions_at(name.location)
    there = versions.numbers()
    if name.version is not None and name.version not in there:
        held = f"only {few([str(each) for each in reversed(there)], SHOWN)}" if there else "nor any"
        raise ModelError(f"{name.location} has no version {name.version}, {held}")
    if not there and is_remote(name.location):
        raise ModelError(f"no version of a model in {name.location}; train or promote makes one")
    if not there or versions.is_plain:
        return replace(name, version=None)
    return replace(name, version=name.version or there[-1])


@contextlib.contextmanager
def files_of(name: ModelName) -> Iterator[Path]:
    """A folder that holds the files of a model, of a name that `pinned` gave.

    Raises:
        ModelError: it cannot be read.
    """
    with versions_at(name.location).files(name.version or 1) as folder:
        yield folder


def card_of(model: ModelOrFolder) -> ModelCard:
    """The card of a model that `opened` gives, without reading the head.

    Raises:
        ModelError: the folder holds no model, or a damaged one.
        UsageError: the model gives an image several labels, or takes features of several tables.
    """
    card = any_card_of(model)
    require_usual(card, name_of(model))
    return card


def card_of_classes(model: ModelOrFolder) -> ModelCard:
    """The card of a model that tells classes apart, whatever it takes, without reading the head.

    Raises:
        ModelError: the folder holds no model, or a damaged one.
        UsageError: the model gives an image several labels.
    """
    card = any_card_of(model)
    require_one_class(card, name_of(model))
    return card


def any_card_of(model: ModelOrFolder) -> ModelCard:
    """The card, whatever the model says of images, without reading the head.

    Raises:
        ModelError: the folder holds no model, or a damaged one.
    """
    return model.card if isinstance(model, Model | SeveralModel) else read_card(Path(model))


def name_of(model: ModelOrFolder) -> str:
    """What to call a model in a report: its folder, or the name of the version that it is."""
    if isinstance(model, Model | SeveralModel):
        return model.name
    folder = Path(model)
    if folder.parent.name == VERSIONS and folder.name.isdecimal():
        return str(ModelName(str(folder.parent.parent), int(folder.name)))
    return os.fspath(model)


def opened(model: ModelOrFolder) -> Model:
    """The model that tells classes apart by images, or features of one table, read if need be.

    Raises:
        ModelError: the folder holds no model, or a damaged one.
        UsageError: the model gives an image several labels, or takes features of several tables.
    """
    found = opened_of_classes(model)
    require_usual(found.card, found.name)
    return found


def opened_of_classes(model: ModelOrFolder) -> Model:
    """The model that tells classes apart, whatever it takes, read if need be.

    Raises:
        ModelError: the folder holds no model, or a damaged one.
        UsageError: the model gives an image several labels.
    """
    if isinstance(model, SeveralModel):
        raise one_class_wanted(model.name)
    return model if isinstance(model, Model) else load_of_classes(Path(model))


def opened_several(model: ModelOrFolder) -> SeveralModel:
    """The model that gives an image several labels, read if need be.

    Raises:
        ModelError: the folder holds no model, or a damaged one.
        UsageError: the model tells classes apart.
    """
    if isinstance(model, Model):
        raise UsageError(f"{model.name} tells classes apart of which an image has one")
    return model if isinstance(model, SeveralModel) else load_several(Path(model))


def any_opened(model: ModelOrFolder) -> Model | SeveralModel:
    """The model, whatever it says of images, read if need be.

    Raises:
        ModelError: the folder holds no model, or a damaged one.
    """
    return opened_several(model) if gives_several(model) else opened_of_classes(model)


def gives_several(model: ModelOrFolder) -> bool:
    """Whether a model gives an image several labels.

    Raises:
        ModelError: the folder holds no model, or a damaged one.
    """
    return any_card_of(model).several is not None
