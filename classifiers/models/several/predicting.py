"""Predictions of a model of several labels: the probability of each, and those that are given."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.data.label_sets import read_label_sets, sets_of
from classifiers.data.side_by_side import Beside
from classifiers.models.predicting import NOT_FINITE
from classifiers.models.several.model import SeveralModel
from classifiers.models.side_by_side import blocks_beside
from classifiers.models.through_base import features_of
from pipelines.engines.engine import Engine
from pipelines.records import ImageRef
from pipelines.table.feature_table import FeatureTable

NAMES = pa.list_(pa.string())


def several_schema(model: SeveralModel) -> pa.Schema:
    """Columns of a file of predictions.

    `labels` are those that the image is known to have, null where nobody said. `predicted` are
    those that it is given, which may be none; null, and `error` says why, for an image that could
    not be used. `probability_LABEL` is that of each label, whatever the others are; of a head
    without probabilities `score_LABEL` stands in its place.
    """
    fixed = [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("copy", pa.int32(), nullable=False),
        pa.field("labels", NAMES),
        pa.field("split", pa.string()),
        pa.field("predicted", NAMES),
        pa.field("error", pa.string()),
    ]
    return pa.schema([*fixed, *(pa.field(name, pa.float64()) for name in _columns(model))])


def predict_several(
    model: SeveralModel, table: FeatureTable, split: str | None, beside: Beside
) -> Iterator[pa.Table]:
    """Predict the images of a table, all splits when none is named; see `predict_table`."""
    rows, blocks = blocks_beside(table, split, beside)
    keys = rows.keys.drop_columns(["label"]).append_column("labels", read_label_sets(rows).lists)
    for block in blocks:
        yield predictions(model, keys.take(pa.array(block.places)), block.features)


def predict_several_images(
    model: SeveralModel, refs: Sequence[ImageRef], engine: Engine
) -> Iterator[pa.Table]:
    """Predict images by the base and the head; an unusable image gets a row that says why.

    Args:
        model: the head and its card.
        refs: the images.
        engine: opened for the card's contract.
    """
    for batch in features_of(refs, engine, model.card.of_features()):
        if batch.refs:
            yield predictions(model, _keys(batch.refs), batch.features)
        if batch.failures:
            errors = pa.array([failure.message for failure in batch.failures], pa.string())
            keys = _keys([failure.ref for failure in batch.failures])
            yield _conform(keys.append_column("error", errors), several_schema(model))


def predictions(model: SeveralModel, keys: pa.Table, features: npt.NDArray[np.float32]) -> pa.Table:
    """Predict features that are at hand, as `several_schema` says.

    Args:
        model: the head and its card.
        keys: the first columns of the same images; those that are not there are null.
        features: float32 (n, length).
    """
    opinion = model.opine(features)
    lost = np.asarray(~np.isfinite(opinion.scores).all(axis=1), np.bool_)
    given = model.several.given(opinion.scores, model.labels)
    names = np.array(model.labels, dtype=object)
    lists = [None if gone else names[row].tolist() for row, gone in zip(given, lost, strict=True)]
    table = keys.append_column("predicted", pa.array(lists, NAMES))
    if lost.any():
        errors = np.full(len(features), NOT_FINITE, dtype=object)
        table = table.append_column("error", pa.array(errors, pa.string(), mask=~lost))
    shown = opinion.scores if opinion.probabilities is None else opinion.probabilities
    for number, name in enumerate(_columns(model)):
        table = table.append_column(name, pa.array(shown[:, number], mask=lost))
    return _conform(table, several_schema(model))


def _columns(model: SeveralModel) -> list[str]:
    what = "probability" if model.head.has_probabilities else "score"
    return [f"{what}_{name}" for name in model.labels]


def _keys(refs: list[ImageRef]) -> pa.Table:
    return pa.table(
        {
            "image_id": [ref.image_id for ref in refs],
            "copy": pa.array(np.zeros(len(refs), np.int32)),
            "labels": sets_of(refs).lists,
        }
    )


def _conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    arrays = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)
