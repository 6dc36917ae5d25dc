"""Training models again."""

from typing import TYPE_CHECKING

from frozen_features.keywords import Location, parse_keywords
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from classifiers.models.reports import TrainReport
    from classifiers.models.several.reports import SeveralTrainReport


@without_secrets
def refit(
    model: Location,
    *,
    to: Location | None = None,
    overwrite: bool = False,
    table: Location | None = None,
    memory: str | int | None = None,
) -> "TrainReport | SeveralTrainReport":
    """Train a model again, as its card says, on its table as it is now.

    Args:
        model: its folder, or its name: "PLACE@3", "s3://bucket/place".
        to: where the new model goes; when None the place of `model`, where it replaces the one
            that is there, or is the next version.
        overwrite: with `to`: replace a model that is there.
        table: the feature table, if it is no longer where the card says.
        memory: most memory for features, as "8G" or in bytes; half of what the process may use
            when None.

    Returns:
        The report, as `train` gives it.

    Raises:
        UsageError: the model is of images or fine-tuned, or the place is taken.
        ContractMismatchError: the table's features are not the model's.
        TableError: there is no such table, or it lacks a split.
        ModelError: there is no such model.
    """
    given = dict(locals())
    from classifiers import refit as command

    return command.work(parse_keywords(command.make_parser(), given))
