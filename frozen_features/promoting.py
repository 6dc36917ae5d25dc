"""Putting trained models in the place of others."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from frozen_features.keywords import LayoutOptions, Location, arguments, parse_keywords
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from classifiers.promoting.report import PromoteReport


@without_secrets
def promote(
    model: Location,
    *,
    to: Location,
    conditions: str | Sequence[str] | None = None,
    table: Location | None = None,
    input: Location | None = None,
    split: str = "test",
    also_table: Location | Sequence[Location] | None = None,
    table_version: int | None = None,
    input_root: Location | None = None,
    weights: Location | None = None,
    **layout: Unpack[LayoutOptions],
) -> "PromoteReport":
    """Make a model the latest version at a place, if it satisfies the conditions.

    Args:
        model: its folder, or its name: "PLACE@3", "s3://bucket/place".
        to: a folder or a place in a bucket, where the model is to be the next version.
        conditions: "better", or a measure and a bound such as "accuracy>=0.95" or
            "recall[cat]>=0.9"; all must hold.
        table: the feature table that conditions are about, for heads on features.
        input: a folder or manifest of images that conditions are about.
        split: the split to measure on.
        also_table: with `table`: tables beside it that the model was trained with, in that order.
        table_version: with `table`: an older version; the newest when None.
        input_root: with `input`: folder that a manifest's paths are relative to.
        weights: with `input`, of the base, as `evaluate` takes them.

    Returns:
        The report: whether the model was `promoted`, and the `answers` to the conditions.

    Raises:
        UsageError: an argument is wrong, or something else is at the place.
        ModelError: there is no such model, or another process added a version meanwhile.
        FrozenFeaturesError: it cannot be measured.
    """
    given = arguments(locals())
    from classifiers import promote as command

    return command.work(parse_keywords(command.make_parser(), given))
