"""Predictions of a model, from stored features or straight from images, in bounded memory."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from classifiers.data.images import read_pixels
from classifiers.data.side_by_side import ALONE, Beside
from classifiers.models.columns import USUAL, Columns, further_columns, further_fields
from classifiers.models.folder import Model
from classifiers.models.side_by_side import blocks_beside
from classifiers.models.soundness import require_scores
from classifiers.models.through_base import features_of
from pipelines.drafts import whole_file
from pipelines.engines.engine import Engine
from pipelines.records import Failure, ImageRef, shown_label
from pipelines.table.feature_table import FeatureTable

NOT_FINITE = "the model gives no finite score"
"""The `error` of an image that a model is lost with."""


def prediction_schema(classes: tuple[str, ...], further: Sequence[pa.Field] = ()) -> pa.Schema:
    """Columns of a file of predictions.

    `split` is null for images that come from no table. `predicted` is null, and `error` says why,
    for an image that could not be used. `probability` is that of the predicted class, null from a
    head without probabilities. `score_CLASS` is as `Judgement.scores`.

    Args:
        classes: names by number.
        further: columns after these, as `further_fields` says.
    """
    fixed = [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("copy", pa.int32(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("split", pa.string()),
        pa.field("predicted", pa.string()),
        pa.field("probability", pa.float64()),
        pa.field("error", pa.string()),
    ]
    scores = [pa.field(f"score_{name}", pa.float64()) for name in classes]
    return pa.schema([*fixed, *scores, *further])


def schema_of(model: Model, columns: Columns) -> pa.Schema:
    """Columns of a model's predictions."""
    return prediction_schema(model.card.classes, further_fields(model.card, columns))


def predict_table(
    model: Model,
    table: FeatureTable,
    split: str | None,
    columns: Columns = USUAL,
    beside: Beside = ALONE,
) -> Iterator[pa.Table]:
    """Predict the images of a table, all splits when none is named.

    Args:
        model: the head and its card.
        table: the table, which `tables_of` has held against the model.
        split: the split wanted; all rows when None.
        columns: those that are wanted besides the usual.
        beside: the tables whose features follow its own.

    Raises:
        TableError: there are no such rows.
    """
    rows, blocks = blocks_beside(table, split, beside)
    for block in blocks:
        keys = rows.keys.take(pa.array(block.places))
        yield _predictions(model, keys, block.features, columns)


def predict_features(
    model: Model, features: npt.NDArray[np.float32], columns: Columns = USUAL
) -> Iterator[pa.Table]:
    """Predict features that are at hand; an image's id is the number of its row.

    Args:
        model: the head and its card.
        features: float32 (n, length).
        columns: those that are wanted besides the usual.
    """
    numbers = np.arange(len(features)).astype(str)
    copies = np.zeros(len(features), np.int32)
    keys = pa.table({"image_id": numbers, "copy": copies})
    yield _predictions(model, keys, features, columns)


def predict_images(
    model: Model, refs: Sequence[ImageRef], engine: Engine, columns: Columns = USUAL
) -> Iterator[pa.Table]:
    """Predict images by the base and the head; an unusable image gets a row that says why.

    Args:
        model: the head and its card.
        refs: the images.
        engine: opened for the card's contract.
        columns: those that are wanted besides the usual.
    """
    for batch in features_of(refs, engine, model.card.of_features()):
        if batch.refs:
            yield _predictions(model, _keys(batch.refs), batch.features, columns)
        if batch.failures:
            yield _unusable(model, batch.failures, columns)


def predict_pixels(
    model: Model, refs: Sequence[ImageRef], columns: Columns = USUAL
) -> Iterator[pa.Table]:
    """Predict images by a model that reads them; an unusable one gets a row that says why.

    Args:
        model: a model from images, and its card.
        refs: the images.
        columns: those that are wanted besides the usual.
    """
    for batch in read_pixels(refs, model.card.of_images().pixel_spec()):
        if batch.refs:
            pixels = batch.pixels.astype(np.float32)
            yield _predictions(model, _keys(batch.refs), pixels, columns)
        if batch.failures:
            yield _unusable(model, batch.failures, columns)


def write_predictions(tables: Iterator[pa.Table], schema: pa.Schema, path: Path) -> tuple[int, int]:
    """Write predictions as Parquet; the file takes its name only when it is whole.

    Args:
        tables: the predictions.
        schema: of each of them.
        path: the file's.

    Returns:
        Images predicted, and images that could not be.
    """
    predicted = failed = 0
    with whole_file(path) as file, pq.ParquetWriter(file, schema) as writer:
        for table in tables:
            writer.write_table(table)
            failed += table.column("predicted").null_count
            predicted += table.num_rows - table.column("predicted").null_count
    return predicted, failed


def _predictions(
    model: Model, keys: pa.Table, features: npt.NDArray[np.float32], columns: Columns
) -> pa.Table:
    judged = model.judge(features)
    require_scores(judged, model.card.classes)
    # Of NaN the largest is a class like any other: such an image is not predicted.
    lost = np.asarray(~np.isfinite(judged.scores).all(axis=1), np.bool_)
    classes = np.array(model.card.classes, dtype=object)
    predicted = pa.array(classes[judged.predicted], pa.string(), mask=lost)
    table = keys.append_column("predicted", predicted)
    if judged.probabilities is not None:
        rows = np.arange(len(features))
        of_predicted = judged.probabilities[rows, judged.predicted]
        table = table.append_column("probability", pa.array(of_predicted, mask=lost))
    if lost.any():
        errors = np.full(len(features), NOT_FINITE, dtype=object)
        table = table.append_column("error", pa.array(errors, pa.string(), mask=~lost))
    for number, name in enumerate(model.card.classes):
        table = table.append_column(f"score_{name}", pa.array(judged.scores[:, number], mask=lost))
    for name, values in further_columns(judged, model.card, columns, lost).items():
        table = table.append_column(name, values)
    return _conform(table, model, columns)


def _unusable(model: Model, failures: Sequence[Failure], columns: Columns) -> pa.Table:
    errors = pa.array([failure.message for failure in failures], pa.string())
    keys = _keys([failure.ref for failure in failures])
    return _conform(keys.append_column("error", errors), model, columns)


def _keys(refs: list[ImageRef]) -> pa.Table:
    return pa.table(
        {
            "image_id": [ref.image_id for ref in refs],
            "copy": pa.array(np.zeros(len(refs), np.int32)),
            "label": pa.array([shown_label(ref.label) for ref in refs], pa.string()),
        }
    )


def _conform(table: pa.Table, model: Model, columns: Columns) -> pa.Table:
    schema = schema_of(model, columns)
    arrays = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)
