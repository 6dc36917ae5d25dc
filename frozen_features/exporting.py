"""Trained models in files for those without this project."""

import os
from typing import TYPE_CHECKING

from frozen_features.keywords import Location, parse_keywords
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from classifiers.exporting.report import ExportReport
    from classifiers.models.folder import Model


@without_secrets
def export(
    model: "Model | Location",
    *,
    format: str,
    output: Location,
    weights: Location | None = None,
    overwrite: bool = False,
) -> "ExportReport":
    """Write preprocessing, base and head as one file, proven equal on 64 images.

    Args:
        model: a model, its folder or its name.
        format: "keras", "onnx" or "openvino".
        output: the file, which ends in .keras, .onnx or .xml; a .bin lies beside the last.
        weights: of the base: "imagenet" (when None), "random", "random:SEED", or a weights file.
        overwrite: replace a file that is there.

    Raises:
        UsageError: the model cannot be had in that format, or the file cannot be written.
        WeightsError: the weights are not those that the model's features were made with.
        ModelError: there is no such model, or what was written says something else.
    """
    given = dict(locals())
    from classifiers import export as command

    if not isinstance(model, str | os.PathLike):
        options = parse_keywords(command.make_parser(), {**given, "model": "in memory"})
        return command.work(options, model)
    from classifiers.models.opening import found

    options = parse_keywords(command.make_parser(), given)
    return command.work(options, found(options.model))
