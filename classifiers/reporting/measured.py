"""A measured model as the page's scripts take it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.models.curves import Drawn
from classifiers.reporting.judging import Judged, sureness_of
from classifiers.reporting.shown import numbers, parts_shown, shown

BLOCK = 256
"""Images of the map that a model is asked of at once."""

NONE = -1
"""Class number where there is none."""


def model_shown(
    judged: Judged,
    place_of: Mapping[str, int],
    features: npt.NDArray[np.float32],
    shown_rows: npt.NDArray[np.int64],
) -> dict[str, Any]:
    """All that is shown of a model.

    Args:
        judged: what it says of the split measured on.
        place_of: the place of each image shown, by its id.
        features: float32 (m, length) of images on the map, finite.
        shown_rows: int64 (m,), their places among the images shown.
    """
    card = judged.model.card
    predicted = np.full(len(place_of), NONE, np.int64)
    sureness = np.full(len(place_of), np.nan)
    for start in range(0, len(features), BLOCK):
        said = judged.model.judge(features[start : start + BLOCK])
        predicted[shown_rows[start : start + BLOCK]] = said.predicted
        sureness[shown_rows[start : start + BLOCK]] = sureness_of(said)
    there = [row for row, each in enumerate(judged.ids) if each in place_of]
    places = [place_of[judged.ids[row]] for row in there]
    predicted[places], sureness[places] = judged.predicted[there], judged.sureness[there]
    return {
        "name": shown(judged.name),
        "head": shown(card.head),
        "split": shown(judged.report.split),
        "classes": [shown(name) for name in card.classes],
        "parts": parts_shown(judged.report.parts()),
        "made": {"header": ["model", ""], "rows": _made(judged)},
        "probabilities": judged.has_probabilities,
        "predicted": predicted.tolist(),
        "sureness": numbers(sureness.tolist()),
        "mistakes": [place_of[judged.ids[row]] for row in judged.mistakes().tolist()],
        "cells": _cells(judged, place_of),
        "drawn": _drawn(judged.report.measured.drawn),
    }


def _cells(judged: Judged, place_of: Mapping[str, int]) -> list[list[Any]]:
    """Of each cell that is not empty: true and predicted class, images, those that are shown."""
    behind = judged.cells()
    counts = np.array(judged.report.measured.confusion)
    return [
        [
            int(true),
            int(said),
            int(counts[true, said]),
            [place_of[judged.ids[row]] for row in behind.get((int(true), int(said)), [])],
        ]
        for true, said in np.argwhere(counts)
    ]


def _drawn(drawn: Drawn | None) -> dict[str, Any] | None:
    if drawn is None:
        return None
    curves = [
        {
            "name": shown(each.name),
            "area": round(each.area, 4),
            "base": round(each.base, 4),
            "false": numbers(each.false_positives.tolist()),
            "recall": numbers(each.recall.tolist()),
            "precision": numbers(each.precision.tolist()),
        }
        for each in drawn.curves
    ]
    reliability = None
    if drawn.reliability is not None:
        reliability = {
            "images": drawn.reliability.images.tolist(),
            "said": numbers(drawn.reliability.said.tolist()),
            "right": numbers(drawn.reliability.right.tolist()),
        }
    scores = {
        "edges": numbers(drawn.scores.edges.tolist()),
        "right": drawn.scores.right.tolist(),
        "wrong": drawn.scores.wrong.tolist(),
        "probability": drawn.scores.probability,
    }
    return {"curves": curves, "reliability": reliability, "scores": scores}


def _made(judged: Judged) -> list[list[str]]:
    """Where the model comes from: table, version, splits, settings, libraries."""
    card = judged.model.card
    rows: list[tuple[str, object]] = [
        ("model", judged.name),
        ("head", card.head),
        ("trained on", f"{card.table}, version {card.table_version}"),
        ("contract_id", card.contract_id),
        *((f"split to {use}", name) for use, name in card.splits.items()),
        *((f"images, {use}", many) for use, many in card.rows.items()),
        *((name, value) for name, value in card.settings.items()),
        ("seed", card.seed),
        ("created", card.created),
        ("seconds", round(card.seconds, 3)),
        ("versions", ", ".join(f"{name} {number}" for name, number in card.versions.items())),
        ("sha256", card.model_sha256),
    ]
    return [[shown(name), shown(value)] for name, value in rows]
