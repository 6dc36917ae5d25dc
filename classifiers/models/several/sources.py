"""What a model of several labels is to predict: the rows of a table, images, or features."""

from collections.abc import Iterator, Sequence
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
from classifiers.models.side_by_side import require_given, require_one_base, tables_of
from classifiers.models.soundness import require_length
from classifiers.models.through_base import open_base
from pipelines.errors import UsageError
from pipelines.records import ImageRef

Predictions = tuple[Iterator[pa.Table], pa.Schema]
"""Predictions yet to be made, and their columns."""


def labels_from_table(
    model: ModelOrFolder,
    location: str,
    split: str | None,
    version: int | None,
    columns: Columns,
    also: Sequence[str] = (),
) -> Predictions:
    """Predict the labels of a table's images; see `from_table`."""
    _require_usual(columns)
    table, beside = tables_of(any_card_of(model), location, version, also)
    model = opened_several(model)
    require_given(model.head, table, beside, model.name)
    return predict_several(model, table, split, beside), several_schema(model)


def labels_from_images(
    model: ModelOrFolder, refs: Sequence[ImageRef], weights: str | None, columns: Columns
) -> Predictions:
    """Predict the labels of images by the base and the head; see `from_images`."""
    _require_usual(columns)
    model = opened_several(model)
    require_one_base(model.card)
    contract = model.card.of_features()
    engine = open_base(contract, weights, len(refs), model.base_file)
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
