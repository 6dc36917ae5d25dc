"""A training again: what a model's card says of the one that made it."""

import argparse
from dataclasses import dataclass
from typing import Any

from classifiers.data.held_out import NO_SPLIT
from classifiers.data.memory import MemoryBudget
from classifiers.from_features.job import TrainJob
from classifiers.from_features.training import train, train_either
from classifiers.heads.catalogue import HEADS
from classifiers.heads.head import Head
from classifiers.heads.kind import HeadKind
from classifiers.models.card import Asked, ModelCard
from classifiers.models.decision_options import Wanted
from classifiers.models.folder import read_card
from classifiers.models.opening import files_of, pinned
from classifiers.models.reports import TrainReport
from classifiers.models.several.reports import SeveralTrainReport
from classifiers.models.side_by_side import tables_of
from classifiers.models.targets import Target
from classifiers.models.thresholds import parse_criterion
from classifiers.models.versions.names import ModelName
from pipelines.cli import log
from pipelines.errors import ModelError, UsageError

AND = " and "
"""Between the splits of a card from before it said what was asked for."""


@dataclass(frozen=True, slots=True)
class RefitJob:
    """One training again.

    Attributes:
        model: the model whose card is followed.
        to: where the new one goes.
        table: the table's location; None for the one that the card names.
        budget: most memory for features.
    """

    model: ModelName
    to: Target
    table: str | None
    budget: MemoryBudget


def refit(job: RefitJob) -> TrainReport | SeveralTrainReport:
    """Train a model again, on the newest version of its table.

    Raises:
        UsageError: the model is of images or fine-tuned, or its place is taken.
        ContractMismatchError: the table's features are not the model's.
        TableError: there is no such table, or it lacks a split.
        ModelError: there is no such model, or its card says what no training can be asked for.
    """
    name = pinned(job.model)
    with files_of(name) as folder:
        card = read_card(folder)
    again = training_of(card, str(name), job)
    table, _ = tables_of(card, again.table, None, again.also)
    validated = card.metrics.get("validation")
    measure = "accuracy" if card.several is None else "mean_average_precision"
    found = validated[measure] if validated else None
    said = "" if found is None else f", validation {measure.replace('_', ' ')} {found:.3f}"
    log(
        f"{name} was trained on version {card.table_version} of the table, {card.rows['train']} "
        f"images{said}; the table is at version {table.version}"
    )
    return train(again) if card.several is None else train_either(again)


def training_of(card: ModelCard, model: str, job: RefitJob) -> TrainJob:
    """The training that a card tells of, on the newest version of the table.

    Args:
        card: the card.
        model: what the model is called.
        job: what is not on the card.

    Raises:
        UsageError: it tells of another kind of training.
        ModelError: it says what no training can be asked for.
    """
    if card.table is None or card.contract is None:
        raise UsageError(
            f"{model} was trained on images, not on a table; train --from_images trains it again"
        )
    asked = card.asked or _asked(card)
    if not 1 <= len(asked.splits) <= 2:
        raise ModelError(f"the card of {model} names {len(asked.splits)} splits to train on")
    decisions = card.decisions
    chosen = card.several if decisions is None else decisions
    criterion = None if chosen is None else chosen.criterion
    try:
        head = _head(card, model)
        wanted = Wanted(
            calibrate=asked.calibrate,
            criterion=None if criterion is None else parse_criterion(criterion),
            coverage=None if decisions is None else decisions.coverage,
            calibrate_by=asked.calibrate_by,
            calibrate_on=asked.calibrate_on,
        )
    except argparse.ArgumentTypeError as error:
        raise ModelError(f"the card of {model} cannot be followed: {error}") from error
    return TrainJob(
        table=job.table or card.table,
        table_version=None,
        head=head,
        model=job.to,
        train_split=asked.splits[0],
        validation_split=card.splits.get("validation") or NO_SPLIT,
        class_weight=asked.class_weight,
        seed=card.seed,
        budget=job.budget,
        copies=asked.copies,
        wanted=wanted,
        besides=asked.splits[1] if len(asked.splits) == 2 else None,
        pooling="none" if card.pooled is None else card.pooled.pooling,
        also=tuple(each.table for each in card.beside),
    )


def _head(card: ModelCard, model: str) -> Head:
    kind = HEADS.get(card.head)
    if kind is None:
        raise UsageError(
            f"{model} is a {card.head}, of which a card does not say all; train makes it again"
        )
    return kind.make(_options(kind, card.settings), card.of_features)


def _options(kind: HeadKind, settings: dict[str, Any]) -> dict[str, Any]:
    """The options of a head, read again as the command reads them: a card may be anybody's."""
    given = {}
    for option in kind.options:
        value = settings.get(option.name)
        if value is None:
            continue
        given[option.name] = option.parse(str(value))
        if option.choices and given[option.name] not in option.choices:
            raise argparse.ArgumentTypeError(f"{option.name} is {value!r}")
    return given


def _asked(card: ModelCard) -> Asked:
    """What an older card lets be known of it."""
    weights = card.class_weight or {}
    return Asked(
        splits=tuple((card.splits["train"] or "").split(AND)),
        class_weight=",".join(f"{name}={weight!r}" for name, weight in weights.items()) or "none",
        copies=card.copies,
        calibrate=card.decisions is not None and card.decisions.calibrates,
    )
