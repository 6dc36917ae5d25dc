"""Features as arrays, and what trained models say of images."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from frozen_features.keywords import (
    LayoutOptions,
    Location,
    arguments,
    as_option,
    locations,
    parse_keywords,
)
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from classifiers.data.dataset import Samples
    from classifiers.models.comparing import CompareReport
    from classifiers.models.folder import Model
    from classifiers.models.reports import EvaluateReport, PredictReport
    from classifiers.models.several.model import SeveralModel
    from classifiers.models.several.reports import SeveralEvaluateReport


@without_secrets
def load(
    table: Location,
    split: str | None = None,
    version: int | None = None,
    copies: int | None = 0,
) -> "Samples":
    """Load a split of a table as arrays; see `classifiers.load`, which this is.

    Args:
        table: the table's location.
        split: the split wanted; all rows when None.
        version: an older version; the newest when None.
        copies: augmented copies of each image at most, after the image itself; all when None.

    Returns:
        `X, y, ids`: float32 (n, length), class names (n,) and image ids (n,).

    Raises:
        TableError: there is no such table, version or split.
    """
    import classifiers

    return classifiers.load(os.fspath(table), split, version, copies)


@without_secrets
def load_model(model: Location) -> "Model | SeveralModel":
    """Read a model.

    Args:
        model: its folder, or its name: "PLACE@3", "s3://bucket/place".

    Returns:
        The trained `head` and its `card`; its `judge` says what features show, calibrated as the
        card says. One that gives an image several labels has `opine` instead, which gives the
        score of each label.

    Raises:
        ModelError: there is no model, or a damaged one.
    """
    from classifiers.models.opening import any_opened

    return any_opened(as_model(model))


@without_secrets
def evaluate(
    model: "Model | SeveralModel | Location",
    *,
    table: Location | None = None,
    input: Location | None = None,
    split: str = "test",
    also_table: "Location | Sequence[Location] | None" = None,
    table_version: int | None = None,
    input_root: Location | None = None,
    weights: Location | None = None,
    pictures: Location | None = None,
    **layout: Unpack[LayoutOptions],
) -> "EvaluateReport | SeveralEvaluateReport":
    """Measure a model on a split of a table, or of images.

    Args:
        model: a model, its folder or its name.
        table: the feature table, for a head on features.
        input: a folder or manifest of images; a head on features gets them through its base.
        split: the split to measure on.
        also_table: with `table`: tables beside it that the model was trained with, in that order.
        table_version: with `table`: an older version; the newest when None.
        input_root: with `input`: folder that a manifest's paths are relative to.
        weights: with `input`, of the base: "imagenet" (when None), "random", "random:SEED", or a
            weights file.
        pictures: a folder for pictures of what was measured; none are drawn when None.

    Raises:
        UsageError: neither or both of `table` and `input` are given, or the wrong one.
        WeightsError: the weights are not those that the model's features were made with.
        ContractMismatchError: the table's features are not the model's.
        TableError: there is no such table, version or split.
        ModelError: there is no such model.
    """
    given = arguments(locals())
    from classifiers import evaluate as command

    options = parse_keywords(command.make_parser(), {**given, "model": "in memory"})
    return command.either_measured(options, as_model(model))


@without_secrets
def compare(
    models: "Sequence[Model | Location]",
    *,
    table: Location | None = None,
    input: Location | None = None,
    split: str = "test",
    also_table: "Location | Sequence[Location] | None" = None,
    table_version: int | None = None,
    input_root: Location | None = None,
    weights: Location | None = None,
    **layout: Unpack[LayoutOptions],
) -> "CompareReport":
    """Hold models against the first of them, on the same images: intervals and McNemar's test.

    Args:
        models: models, their folders or names, at least two.
        table: the feature table, for heads on features.
        input: a folder or manifest of images.
        split: the split to measure on.
        also_table: with `table`: tables beside it that the model was trained with, in that order.
        table_version: with `table`: an older version; the newest when None.
        input_root: with `input`: folder that a manifest's paths are relative to.
        weights: with `input`, of the base, as `evaluate` takes them.

    Raises:
        UsageError: there are fewer than two, they have other classes, or as `evaluate` does.
        FrozenFeaturesError: as `evaluate` does.
    """
    given = arguments(locals())
    from classifiers import evaluate as command
    from pipelines.errors import UsageError

    if isinstance(models, str | os.PathLike) or len(models) < 2:
        raise UsageError("name at least two models")
    named = {name: value for name, value in given.items() if name != "models"}
    options = parse_keywords(command.make_parser(), {**named, "model": "in memory"})
    return command.compare(options, [as_model(each) for each in models])


@without_secrets
def predict(
    model: "Model | SeveralModel | Location",
    *,
    table: Location | None = None,
    input: "Location | Sequence[Location] | None" = None,
    features: "ArrayLike | None" = None,
    split: str | None = None,
    also_table: "Location | Sequence[Location] | None" = None,
    table_version: int | None = None,
    input_root: Location | None = None,
    weights: Location | None = None,
    output: Location | None = None,
    overwrite: bool = False,
    probabilities: bool = False,
    top: int | None = None,
    **layout: Unpack[LayoutOptions],
) -> "PredictReport":
    """Predict the classes of images: of a table's, of files, or of features that are at hand.

    Args:
        model: a model, its folder or its name.
        table: a feature table.
        input: a folder or manifest of images, an image, or a list of images.
        features: numbers (n, length), as the base gave them; an image's id is its row's number.
        split: with `table`: this split only.
        also_table: with `table`: tables beside it that the model was trained with, in that order.
        table_version: with `table`: an older version; the newest when None.
        input_root: with a manifest: folder that its paths are relative to.
        weights: with `input`: "imagenet" (when None), "random", "random:SEED", or a weights file.
        output: a .parquet file to write them to, on this machine or at s3:// or gs://, in bounded
            memory; they are held when None.
        overwrite: replace a file that is there.
        probabilities: also a column with the probability of each class.
        top: also columns with so many of the likeliest classes, and their probabilities.

    Returns:
        The report; its `rows` are the predictions, a table of Arrow's with columns `image_id`,
        `predicted`, `probability`, `error`, `score_CLASS` and more. An image that cannot be used
        has an `error` and no `predicted`.

    Raises:
        UsageError: not exactly one of `table`, `input` and `features` is given, or they or the
            other arguments do not fit the model.
        ContractMismatchError: the table's features are not the model's.
        InputError: the input cannot be listed.
        WeightsError: the base's weights are not those that the model's features were made with.
        ModelError: there is no such model.
    """
    given = arguments(locals())
    from classifiers.models import sources
    from classifiers.models.columns import add_column_options, columns_of
    from classifiers.models.prediction_files import check_output, prediction_file
    from pipelines.cli import Parser
    from pipelines.errors import UsageError
    from pipelines.images.layout_options import LAYOUT_OPTIONS, add_layout_options, layout_of
    from pipelines.images.listing import list_or_name, name_images
    from pipelines.outputs import refuse_inputs_as_outputs

    if sum(each is not None for each in (table, input, features)) != 1:
        raise UsageError("name what to predict by one of table, input and features")
    columns_parser = Parser(prog="predict")
    add_column_options(columns_parser)
    of_columns = {"probabilities": probabilities, "top": top}
    columns = columns_of(parse_keywords(columns_parser, of_columns))
    of_table: dict[str, object] = {
        **{"split": split, "table_version": table_version, "also_table": also_table}
    }
    of_layout = {name: given[name] for name in ("input_root", *LAYOUT_OPTIONS)}
    of_images = {"weights": weights, **of_layout}
    file = None
    if output is not None:
        file = check_output(as_option("output", prediction_file, output), overwrite=overwrite)
        refuse_inputs_as_outputs({"output": file, "input": input, "weights": weights})
    model = as_model(model)
    if table is not None:
        sources.refuse(of_images, "--table")
        beside = [] if also_table is None else locations(also_table)
        wanted = sources.from_table(model, os.fspath(table), split, table_version, columns, beside)
    elif input is not None:
        sources.refuse(of_table, "--input")
        named = None if weights is None else os.fspath(weights)
        if isinstance(input, str | os.PathLike):
            parser = Parser(prog="predict")
            add_layout_options(parser)
            options = parse_keywords(parser, of_layout)
            refs = list_or_name(os.fspath(input), options.input_root, layout_of(options))
        else:
            sources.refuse(of_layout, "a list of images")
            refs = name_images(input)
        wanted = sources.from_images(model, refs, named, columns)
    elif features is not None:
        sources.refuse(of_table | of_images, "features")
        wanted = sources.from_features(model, features, columns)
    return sources.make_predictions(wanted, file)


def as_model(model: "Model | SeveralModel | Location") -> "Model | SeveralModel | Location":
    """A model in memory as it is; of a name what is there."""
    if not isinstance(model, str | os.PathLike):
        return model
    from classifiers.models.opening import found
    from classifiers.models.versions.names import model_name

    return found(as_option("model", model_name, model))
