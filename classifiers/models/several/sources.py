"""What a model of several labels is to predict: the rows of a table, images, or features."""

from collections.abc import Iterator
from math import prod

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.models.columns import Columns
from classifiers.models.opening import ModelOrFolder, any_card_of, opened_several
from classifiers.models.several.predicting import (
    predict_several,
    predict_several_images,
    predictions,
    several_schema,
)
from classifiers.models.soundness import require_length
from classifiers.models.through_base import open_base
from pipelines.contract import require_same_contract
from pipelines.errors import UsageError
from pipelines.records import ImageRef
from pipelines.table.feature_table import FeatureTable

Predictions = tuple[Iterator[pa.Table], pa.Schema]
"""Predictions yet to be made, and their columns."""


def labels_from_table(
    model: ModelOrFolder, location: str, split: str | None, version: int | None, columns: Columns
) -> Predictions:
    """Predict the labels of a table's images; see `from_table`."""
    _require_usual(columns)
    contract = any_card_of(model).of_features()
    table = FeatureTable.open(location, version)
    require_same_contract(contract, "the model", table.contract, "the table")
    model = opened_several(model)
    require_length(model.head, table.feature_length, f"the table {table.uri}", model.name)
    return predict_several(model, table, split), several_schema(model)


def labels_from_images(
    model: ModelOrFolder, refs: list[ImageRef], weights: str | None, columns: Columns
) -> Predictions:
    """Predict the labels of images by the base and the head; see `from_images`."""
    _require_usual(columns)
    model = opened_several(model)
    contract = model.card.of_features()
    engine = open_base(contract, weights, len(refs))
    require_length(model.head, prod(engine.feature_shape), contract.base, model.name)
    return predict_several_images(model, refs, engine), several_schema(model)


def labels_from_features(
    model: ModelOrFolder, features: npt.NDArray[np.float32], columns: Columns
) -> Predictions:
    """Predict the labels of features that are at hand; see `from_features`."""
    _require_usual(columns)
    model = opened_several(model)
    keys = pa.table(
        {
            "image_id": np.arange(len(features)).astype(str),
            "copy": np.zeros(len(features), np.int32),
        }
    )
    return iter([predictions(model, keys, features)]), several_schema(model)


def _require_usual(columns: Columns) -> None:
    """The probability of each label is there anyway, so that asking for it changes nothing."""
    if columns.top is not None:
        raise UsageError(
            "--top has no meaning with a model of several labels, whose predictions have the "
            "probability of each; leave it out"
        )
