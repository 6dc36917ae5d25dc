"""A model's card: where it comes from, what it takes and what it is good for."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from classifiers.heads.course import Outcome
from classifiers.heads.pooling import Pooling, check_pooling
from classifiers.models.decision_options import PARAMETRIC
from classifiers.models.decisions import Decisions, check_decisions
from classifiers.models.several.decided import SeveralLabels, check_several
from pipelines.contract import Contract
from pipelines.errors import UsageError
from pipelines.images.decode import INTERPOLATIONS, ORIENTATIONS, PixelSpec
from pipelines.table.precision import MANTISSA_BITS
from pipelines.untrusted import value_from_json

LARGEST_SIDE = 1 << 15
"""Pixels that no image is resized to."""


@dataclass(frozen=True, slots=True)
class ImageCard:
    """How a model reads images, and what its training on images took.

    Attributes:
        source: folder or manifest of the images it was trained on.
        size: height and width that images are resized to, in pixels.
        interpolation: as in `Contract`.
        orientation: as in `Contract`.
        preprocessing: "imagenet" or "rescale", done inside the model.
        base: name of the base in it; None where all was trained from scratch.
        weights: fingerprint of the base before training; None without one.
        parameters: all numbers in the model.
        trainable_parameters: those that were trained in the end.
        trainable_tensors: weight tensors that can be trained, with the base "whole", with it
            "frozen" and, where a part of it was trained, "unfrozen"; "all" without a base.
        left_out: images that could not be used, by "train" and "validation".
        through_base: images that went through the base in training and measuring, each as often
            as it did.
    """

    source: str
    size: int
    interpolation: str
    orientation: str
    preprocessing: str
    base: str | None
    weights: str | None
    parameters: int
    trainable_parameters: int
    trainable_tensors: dict[str, int]
    left_out: dict[str, int]
    through_base: int

    def pixel_spec(self) -> PixelSpec:
        """How to decode images for the model."""
        return PixelSpec(self.size, self.interpolation, self.orientation)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a training on a table was asked for, where the rest of the card says what came of it.

    Attributes:
        splits: trained on.
        class_weight: as `--class_weight` takes it.
        copies: augmented copies of an image at most; None for all.
        calibrate: whether probabilities were to be calibrated.
        calibrate_by: how; see `Wanted`.
        calibrate_on: on what; see `Wanted`.
    """

    splits: tuple[str, ...]
    class_weight: str
    copies: int | None
    calibrate: bool
    calibrate_by: str = PARAMETRIC
    calibrate_on: str | None = None


@dataclass(frozen=True, slots=True)
class BesideCard:
    """A table whose features stand beside those of the first.

    Attributes:
        table: its URI.
        table_version: its version.
        contract: of its features.
        contract_id: hash of that contract.
    """

    table: str
    table_version: int
    contract: Contract
    contract_id: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Where a model comes from and what it is good for.

    Attributes:
        head: kind of head.
        settings: its settings.
        contract: of the features it was trained on, and the only ones it takes; None for a model
            that takes images.
        contract_id: hash of that contract.
        table: the table's URI; None where images were trained on.
        table_version: its version.
        classes: names, by class number.
        splits: the splits trained and validated on; validation None when there was none.
        rows: images of each.
        class_weight: weight by class name; None when all are alike.
        seed: what every random choice of the training came from.
        metrics: measures by "train" and "validation".
        seconds: how long the training took.
        created: when, ISO 8601 (UTC).
        versions: of the libraries.
        streamed_within: the memory budget in bytes when features were streamed, on
            which the order of rows depends; None when they were held.
        copies: augmented copies of an image that it was trained on, at most.
        augmentation: how those were made; None without any.
        cpu_seconds: processor time of the training, over all threads; None in older cards.
        images: how the images it takes are read; None for a head on features.
        model_sha256: of the file that holds the model; None in older cards.
        decisions: calibration, thresholds and sets; None where none was asked for.
        course: which epoch was kept, and why the training ended; None of a head that has none.
        converged: whether the fit did; None of heads in epochs, without a fit, and in older cards.
        asked: what the training was asked for; None of images, and in older cards.
        pooled: how it pools the stored maps first; None where it takes them as they are.
        several: of a model that gives an image several labels, which `classes` are then, from
            which score on it gives each; None of a model that tells classes apart.
        beside: tables whose features follow those of `table`, image by image; empty of a model
            that takes those of one.
    """

    head: str
    settings: dict[str, Any]
    contract: Contract | None
    contract_id: str | None
    table: str | None
    table_version: int | None
    classes: tuple[str, ...]
    splits: dict[str, str | None]
    rows: dict[str, int]
    class_weight: dict[str, float] | None
    seed: int
    metrics: dict[str, dict[str, Any] | None]
    seconds: float
    created: str
    versions: dict[str, str]
    streamed_within: int | None = None
    copies: int = 0
    augmentation: dict[str, Any] | None = None
    cpu_seconds: float | None = None
    images: ImageCard | None = None
    model_sha256: str | None = None
    decisions: Decisions | None = None
    course: Outcome | None = None
    converged: bool | None = None
    asked: Asked | None = None
    pooled: Pooling | None = None
    several: SeveralLabels | None = None
    beside: tuple[BesideCard, ...] = ()

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """Those of the features that it takes, side by side in this order.

        Raises:
            UsageError: it takes images.
        """
        return (self.of_features(), *(each.contract for each in self.beside))

    def of_features(self) -> Contract:
        """The contract of the features that it takes.

        Raises:
            UsageError: it takes images.
        """
        if self.contract is None:
            raise UsageError("this model reads images, not features; name them with --input")
        return self.contract

    def of_images(self) -> ImageCard:
        """How the images that it takes are read.

        Raises:
            UsageError: it takes features.
        """
        if self.images is None:
            raise UsageError("this model takes features, not images; name a table with --table")
        return self.images


def card_from_json(text: bytes) -> ModelCard:
    """Read a card; nothing in it is taken on trust.

    Raises:
        ValueError: it is none, one of a newer version, or contradicts itself; one line says how.
    """
    card = value_from_json(text, ModelCard)
    whole = value_from_json(text, dict[str, Any])
    # For fields of theirs that this version does not know.
    for name, kind in (
        ("contract", Contract),
        ("images", ImageCard),
        ("decisions", Decisions),
        ("course", Outcome),
        ("asked", Asked),
        ("pooled", Pooling),
        ("several", SeveralLabels),
    ):
        if whole.get(name) is not None:
            value_from_json(json.dumps(whole[name]), kind)
    if (card.contract is None) == (card.images is None):
        raise ValueError("it is of a model either of features or of images, not of both or none")
    if card.contract is not None and card.contract_id != card.contract.contract_id:
        raise ValueError("its contract is not the one that its contract_id is of")
    fewest = 2 if card.several is None else 1
    if len(set(card.classes)) < max(fewest, len(card.classes)):
        raise ValueError(f"it names {len(set(card.classes))} different classes, as {card.classes}")
    if card.decisions is not None:
        check_decisions(card.decisions, card.classes)
    if card.pooled is not None:
        check_pooling(card.pooled)
    if card.several is not None:
        check_several(card.several, card.classes)
    if card.images is not None:
        _check_images(card.images)
    for each in card.beside:
        if each.contract_id != each.contract.contract_id:
            raise ValueError("a contract beside its own is not the one that its contract_id is of")
    if card.contract is not None:
        for contract in card.contracts:
            _one_of(MANTISSA_BITS, contract.precision, "precision")
    elif card.beside:
        raise ValueError("it is of a model of images, and names tables")
    return card


def _check_images(images: ImageCard) -> None:
    if not 1 <= images.size <= LARGEST_SIDE:
        raise ValueError(f"it says that images are resized to {images.size} pixels")
    _one_of(INTERPOLATIONS, images.interpolation, "interpolation")
    _one_of(ORIENTATIONS, images.orientation, "orientation")


def _one_of(known: Iterable[str], value: str, what: str) -> None:
    if value not in known:
        raise ValueError(f"it has the {what} {value!r}; this version knows {', '.join(known)}")
