"""Columns of predictions that are there by option, or by what a model's card decides."""

import argparse
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.heads.head import Judgement
from classifiers.models.card import ModelCard
from classifiers.models.thresholds import decide
from pipelines.cli import positive_number

NAMES = pa.list_(pa.string())

Lost = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns are wanted besides those that are always there.

    Attributes:
        probabilities: that of every class.
        top: how many of the likeliest classes; None for no such columns.
    """

    probabilities: bool = False
    top: int | None = None


USUAL = Columns()
"""Those that are there if nothing is asked for."""


def add_column_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that `columns_of` reads."""
    parser.add_argument(
        "--probabilities", action="store_true", help="a column with the probability of each class"
    )
    parser.add_argument(
        "--top",
        type=positive_number,
        metavar="K",
        help="columns with the K likeliest classes and their probabilities",
    )


def columns_of(options: argparse.Namespace) -> Columns:
    """What the options of `add_column_options` ask for."""
    return Columns(options.probabilities, options.top)


def further_fields(card: ModelCard, columns: Columns) -> list[pa.Field]:
    """Those columns, in order; all are null for an image that is not predicted.

    `decided` is the likeliest class whose threshold is reached, null for none; `set` holds the
    classes of the conformal set, and `top_classes` those that are likeliest, the likeliest first.
    """
    fields = []
    if card.decisions is not None and card.decisions.thresholds is not None:
        fields.append(pa.field("decided", pa.string()))
    if card.decisions is not None and card.decisions.least is not None:
        fields.append(pa.field("set", NAMES))
    if columns.top is not None:
        fields.append(pa.field("top_classes", NAMES))
        fields.append(pa.field("top_probabilities", pa.list_(pa.float64())))
    if columns.probabilities:
        fields += [pa.field(f"probability_{name}", pa.float64()) for name in card.classes]
    return fields


def further_columns(
    judged: Judgement, card: ModelCard, columns: Columns, lost: Lost
) -> dict[str, pa.Array]:
    """Those of `further_fields` that the model has something to say in, by name.

    Args:
        judged: what the model says of n images.
        card: its card.
        columns: which are wanted.
        lost: bool (n,), images that it gives no finite score.
    """
    found: dict[str, pa.Array] = {}
    names = np.array(card.classes, dtype=object)
    decisions, ranking = card.decisions, judged.ranking
    if decisions is not None and decisions.thresholds is not None:
        decided = decide(ranking, card.classes, decisions.thresholds)
        found["decided"] = pa.array(names[decided], pa.string(), mask=lost | (decided < 0))
    if decisions is not None and decisions.least is not None:
        inside = [np.flatnonzero(row) for row in judged.own_ranking >= decisions.least]
        found["set"] = _lists([names[row] for row in inside], NAMES, lost)
    if columns.top is not None:
        likeliest = np.argsort(-ranking, axis=1, kind="stable")[:, : columns.top]
        found["top_classes"] = _lists(names[likeliest], NAMES, lost)
        if judged.probabilities is not None:
            shares = np.take_along_axis(judged.probabilities, likeliest, axis=1)
            found["top_probabilities"] = _lists(shares, pa.list_(pa.float64()), lost)
    if columns.probabilities and judged.probabilities is not None:
        for number, name in enumerate(card.classes):
            found[f"probability_{name}"] = pa.array(judged.probabilities[:, number], mask=lost)
    return found


def _lists(
    rows: "npt.NDArray[np.generic] | list[npt.NDArray[np.object_]]", kind: pa.DataType, lost: Lost
) -> pa.Array:
    values = [None if gone else row.tolist() for row, gone in zip(rows, lost, strict=True)]
    return pa.array(values, kind)
