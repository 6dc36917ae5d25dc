"""What of a model's card and history becomes parameters, measures and tags of a run."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from classifiers.models.card import ModelCard
from classifiers.models.folder import read_card
from classifiers.models.place import HISTORY_FILE
from pipelines.errors import ModelError

LONGEST = 500
"""Characters of a parameter or a tag; some stores of MLflow's take no more."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure at one step.

    Attributes:
        name: what MLflow calls it.
        value: finite.
        step: the epoch; 0 for what was measured of the finished model.
    """

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes:
        name: the model's.
        parameters: text by name.
        measures: the model's by "train_" and "validation_", and those of each epoch.
        tags: text by name.
        began: when the training did, milliseconds since the epoch (UTC).
        ended: when it ended.
    """

    name: str
    parameters: dict[str, str]
    measures: tuple[Measure, ...]
    tags: dict[str, str]
    began: int
    ended: int


def run_of(name: str, folder: Path) -> Run:
    """The run of a model.

    Args:
        name: the model's.
        folder: that its files are in.

    Raises:
        ModelError: its card or history is missing or damaged.
    """
    card = read_card(folder)
    try:
        ended = datetime.fromisoformat(card.created).timestamp()
        history = tuple(_history(folder / HISTORY_FILE))
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ModelError(f"the card or the history of {name} is damaged: {error}") from error
    return Run(
        name=name,
        parameters={key: value[:LONGEST] for key, value in _parameters(card)},
        measures=(*_measures(card), *history),
        tags={key: value[:LONGEST] for key, value in _tags(name, card)},
        began=round((ended - card.seconds) * 1000),
        ended=round(ended * 1000),
    )


def _parameters(card: ModelCard) -> Iterator[tuple[str, str]]:
    yield "head", card.head
    yield from _flat(card.settings)
    yield "seed", str(card.seed)
    yield "classes", str(len(card.classes))
    yield "copies", str(card.copies)
    for part, split in card.splits.items():
        yield f"{part}_split", str(split)
    if card.asked is not None:
        yield "class_weight", card.asked.class_weight
    if card.pooled is not None:
        yield "pooling", card.pooled.pooling
    if card.contract is not None:
        yield "base", card.contract.base


def _flat(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif (above, name) != ("", "name"):
            yield f"{above}{name}", str(value)


def _measures(card: ModelCard) -> Iterator[Measure]:
    yield Measure("seconds", card.seconds)
    for part, rows in card.rows.items():
        yield Measure(f"{part}_rows", float(rows))
    for part, measured in card.metrics.items():
        for name, value in (measured or {}).items():
            if isinstance(value, int | float) and math.isfinite(value):
                yield Measure(f"{part}_{name}", float(value))


def _history(path: Path) -> Iterator[Measure]:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            step = int(row.pop("epoch"))
            for name, text in row.items():
                if text and math.isfinite(float(text)):
                    yield Measure(f"epoch_{name}", float(text), step)


def _tags(name: str, card: ModelCard) -> Iterator[tuple[str, str]]:
    known = {
        "model": name,
        "model_sha256": card.model_sha256,
        "table": card.table,
        "table_version": card.table_version,
        "contract_id": card.contract_id,
        "frozen_features": card.versions.get("frozen-features"),
    }
    for key, value in known.items():
        if value is not None:
            yield f"frozen_features.{key}", str(value)
