"""What trained models say of the classes of images that they were not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.auditing.rows import AuditedRows
from classifiers.data.decoding import Block, decode
from classifiers.models.card import ModelCard
from classifiers.models.opening import ModelOrFolder, card_of, name_of, opened
from classifiers.models.soundness import require_length
from pipelines.contract import require_same_contract
from pipelines.errors import UsageError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What models say of n images.

    Attributes:
        probabilities: float64 (n, classes), the mean of the models that have something to say.
        said: bool (n,), whether any has.
    """

    probabilities: Floats
    said: npt.NDArray[np.bool_]


def check_models(models: Sequence[ModelOrFolder], rows: AuditedRows) -> None:
    """Hold models against a table before any work is done.

    Raises:
        ModelError: one is not there, or damaged.
        ContractMismatchError: it was made for other features.
        UsageError: it reads images.
    """
    for model in models:
        contract = card_of(model).of_features()
        require_same_contract(contract, name_of(model), rows.table.contract, "the table")


def opinion(models: Sequence[ModelOrFolder], rows: AuditedRows, classes: Sequence[str]) -> Opinion:
    """Ask models about the images of the splits that they were not trained on.

    Args:
        models: checked by `check_models`.
        rows: the images.
        classes: names by number.

    Raises:
        UsageError: a model knows other classes, or gives no probabilities.
        ModelError: it is damaged, or takes other features.
    """
    sums = np.zeros((len(rows.ids), len(classes)))
    times = np.zeros(len(rows.ids), np.int64)
    for each in models:
        model, name = opened(each), name_of(each)
        require_length(model.head, rows.rows.length, f"the table {rows.table.uri}", model.name)
        if {*model.card.classes} != {*classes}:
            raise UsageError(
                f"the classes of {name} are not those that are audited; leave --model out, or "
                "train it on these labels"
            )
        order = [model.card.classes.index(label) for label in classes]
        trained = _trained_on(model.card)
        chosen = np.array([split not in trained for split in rows.splits])

        def ask(block: Block) -> tuple[npt.NDArray[np.int64], Floats | None]:
            return block.places, model.judge(block.features).probabilities  # noqa: B023

        if not chosen.any():
            continue
        places = np.flatnonzero(chosen)
        for within, said in decode(rows.rows.only(chosen), ask):
            if said is None:
                raise UsageError(f"{name} gives no probabilities; leave it out of --model")
            sums[places[within]] += said[:, order]
            times[places[within]] += 1
    told = (times > 0) & np.isfinite(sums).all(axis=1)
    return Opinion(sums / np.maximum(times, 1)[:, None], told)


def _trained_on(card: ModelCard) -> frozenset[str]:
    """Splits that a model was trained on, a refit of two among them."""
    return frozenset((card.splits.get("train") or "").split(" and "))
