"""What a model is to predict: the rows of a table, images, or an array of features."""

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.models.columns import USUAL, Columns
from classifiers.models.opening import ModelOrFolder, card_of, opened
from classifiers.models.predicting import (
    predict_features,
    predict_images,
    predict_pixels,
    predict_table,
    schema_of,
    write_predictions,
)
from classifiers.models.reports import PredictReport
from classifiers.models.soundness import require_length
from classifiers.models.through_base import open_base
from pipelines.contract import require_same_contract
from pipelines.errors import UsageError
from pipelines.records import ImageRef
from pipelines.table.feature_table import FeatureTable

Predictions = tuple[Iterator[pa.Table], pa.Schema]
"""Predictions yet to be made, and their columns."""


def from_table(
    model: ModelOrFolder,
    location: str,
    split: str | None = None,
    version: int | None = None,
    columns: Columns = USUAL,
) -> Predictions:
    """Predict the rows of a table, from their features.

    Args:
        model: the model or its folder.
        location: the table's.
        split: this split only; all rows when None.
        version: an older version; the newest when None.
        columns: those that are wanted besides the usual.

    Raises:
        TableError: there is no such table or version.
        ContractMismatchError: its features are not the model's.
        UsageError: the model reads images.
        ModelError: the model is not what its card says.
    """
    contract = card_of(model).of_features()
    table = FeatureTable.open(location, version)
    require_same_contract(contract, "the model", table.contract, "the table")
    model = opened(model)
    require_length(model.head, table.feature_length, f"the table {table.uri}", model.name)
    return predict_table(model, table, split, columns), schema_of(model, columns)


def from_images(
    model: ModelOrFolder,
    refs: list[ImageRef],
    weights: str | None = None,
    columns: Columns = USUAL,
) -> Predictions:
    """Predict images, by the base and the head or by a model that reads images.

    Args:
        model: the model or its folder.
        refs: the images.
        weights: of the base, as `--weights` takes them; ImageNet's when None.
        columns: those that are wanted besides the usual.

    Raises:
        UsageError: the model holds its own weights.
        WeightsError: the weights are not those that the model's features were made with.
    """
    card = card_of(model)
    if card.images is not None:
        if weights is not None:
            raise UsageError("--weights has no meaning here: this model holds its own")
        model = opened(model)
        return predict_pixels(model, refs, columns), schema_of(model, columns)
    contract = card.of_features()
    model = opened(model)
    engine = open_base(contract, weights, len(refs), model.base_file)
    require_length(model.head, prod(engine.feature_shape), contract.base, model.name)
    return predict_images(model, refs, engine, columns), schema_of(model, columns)


def from_features(
    model: ModelOrFolder, features: npt.ArrayLike, columns: Columns = USUAL
) -> Predictions:
    """Predict features that are at hand.

    Args:
        model: the model or its folder.
        features: numbers (n, length), as the base gave them, n at least 1.
        columns: those that are wanted besides the usual.

    Raises:
        UsageError: they have another shape, or are no finite numbers, or the model reads images.
    """
    card_of(model).of_features()
    try:
        array = np.ascontiguousarray(features, np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the features are no array of numbers: {error}") from error
    model = opened(model)
    if array.ndim != 2 or not len(array) or array.shape[1] != model.head.length:
        raise UsageError(
            f"this model takes features of shape (n, {model.head.length}), not {array.shape}"
        )
    if not np.isfinite(array).all():
        raise UsageError("the features hold values that are no finite numbers")
    return predict_features(model, array, columns), schema_of(model, columns)


def make_predictions(predictions: Predictions, output: Path | None) -> PredictReport:
    """Make predictions: into a file, in bounded memory, or into a table of Arrow's.

    Raises:
        OSError: the file cannot be written.
    """
    tables, schema = predictions
    if output is not None:
        return PredictReport(*write_predictions(tables, schema, output), output)
    held = pa.concat_tables([schema.empty_table(), *tables])
    failed = held.column("predicted").null_count
    return PredictReport(held.num_rows - failed, failed, None, held)


def check_output(path: Path, *, overwrite: bool) -> Path:
    """The file that predictions are to be written to.

    Raises:
        UsageError: it is not Parquet by its name, has no folder to be in, or is there already.
    """
    if path.suffix != ".parquet":
        raise UsageError(f"--output {path}: the predictions are Parquet, name a file.parquet")
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise UsageError(f"--output {path}: no folder {path.resolve().parent} to write it in")
    if path.is_file() and not overwrite:
        raise UsageError(f"--output {path} exists; name another file, or give --overwrite")
    return path


def refuse(values: Mapping[str, object], chosen: str) -> None:
    """Refuse options that have no meaning beside another.

    Raises:
        UsageError: one of them is given.
    """
    for name, value in values.items():
        if value is not None:
            raise UsageError(f"--{name} has no meaning with {chosen}")
