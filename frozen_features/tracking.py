"""Trained models as runs of MLflow."""

from typing import TYPE_CHECKING

from frozen_features.keywords import Location, parse_keywords
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from classifiers.tracking.report import TrackReport


@without_secrets
def track(
    model: Location, *, store: Location, experiment: str = "frozen-features"
) -> "TrackReport":
    """Write a model as a run of MLflow's: settings, measures, pictures and the model's files.

    Args:
        model: its folder, or its name: "PLACE@3", "s3://bucket/place".
        store: a folder for MLflow's database and artifacts, or the URL of its server.
        experiment: what MLflow calls the runs that belong together.

    Raises:
        ModelError: there is no such model.
        TrackingError: the store does not take it.
        ModuleNotFoundError: MLflow is not installed.
    """
    given = dict(locals())
    from classifiers import track as command

    return command.work(parse_keywords(command.make_parser(), given))
