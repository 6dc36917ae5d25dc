"""What a model is to predict: the rows of a table, images, or an array of features."""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from classifiers.models.columns import USUAL, Columns
from classifiers.models.opening import (
    ModelOrFolder,
    any_card_of,
    any_opened,
    gives_several,
    opened,
    opened_of_classes,
)
from classifiers.models.predicting import (
    predict_features,
    predict_images,
    predict_pixels,
    predict_table,
    schema_of,
)
from classifiers.models.prediction_files import PredictionFile, write_to
from classifiers.models.reports import PredictReport
from classifiers.models.several.model import SeveralModel
from classifiers.models.several.sources import (
    Predictions,
    labels_from_features,
    labels_from_images,
    labels_from_table,
)
from classifiers.models.side_by_side import require_given, require_one_base, tables_of
from classifiers.models.soundness import require_length
from classifiers.models.through_base import open_base
from pipelines.errors import UsageError
from pipelines.records import ImageRef


def from_table(
    model: ModelOrFolder,
    location: str,
    split: str | None = None,
    version: int | None = None,
    columns: Columns = USUAL,
    also: Sequence[str] = (),
) -> Predictions:
    """Predict the rows of a table, from their features, or of several tables side by side.

    Args:
        model: the model or its folder.
        location: the table's.
        split: this split only; all rows when None.
        version: an older version; the newest when None.
        columns: those that are wanted besides the usual.
        also: the tables beside it, in the order of the training.

    Raises:
        TableError: there is no such table or version.
        ContractMismatchError: its features are not the model's.
        UsageError: the model reads images.
        ModelError: the model is not what its card says.
    """
    if gives_several(model):
        return labels_from_table(model, location, split, version, columns, also)
    table, beside = tables_of(any_card_of(model), location, version, also)
    model = opened_of_classes(model)
    require_given(model.head, table, beside, model.name)
    return predict_table(model, table, split, columns, beside), schema_of(model, columns)


def from_images(
    model: ModelOrFolder,
    refs: Sequence[ImageRef],
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
    if gives_several(model):
        return labels_from_images(model, refs, weights, columns)
    card = any_card_of(model)
    require_one_base(card)
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
    any_card_of(model).of_features()
    try:
        array = np.ascontiguousarray(features, np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the features are no array of numbers: {error}") from error
    model = any_opened(model)
    if array.ndim != 2 or not len(array) or array.shape[1] != model.head.length:
        raise UsageError(
            f"this model takes features of shape (n, {model.head.length}), not {array.shape}"
        )
    if not np.isfinite(array).all():
        raise UsageError("the features hold values that are no finite numbers")
    if isinstance(model, SeveralModel):
        return labels_from_features(model, array, columns)
    return predict_features(model, array, columns), schema_of(model, columns)


def make_predictions(predictions: Predictions, output: PredictionFile | None) -> PredictReport:
    """Make predictions: into a file, in bounded memory, or into a table of Arrow's.

    Raises:
        OSError: the file cannot be written.
    """
    tables, schema = predictions
    if output is not None:
        return PredictReport(*write_to(output, tables, schema), output)
    held = pa.concat_tables([schema.empty_table(), *tables])
    failed = held.column("predicted").null_count
    return PredictReport(held.num_rows - failed, failed, None, held)


def refuse(values: Mapping[str, object], chosen: str) -> None:
    """Refuse options that have no meaning beside another.

    Raises:
        UsageError: one of them is given.
    """
    for name, value in values.items():
        if value is not None:
            raise UsageError(f"--{name} has no meaning with {chosen}")
