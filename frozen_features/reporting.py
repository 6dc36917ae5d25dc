"""One HTML page of a table and its models."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from frozen_features.keywords import Location, parse_keywords
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from classifiers.models.folder import Model
    from classifiers.reporting.report import PageReport


@without_secrets
def report(
    table: Location,
    *,
    output: Location | None = None,
    models: "Sequence[Model | Location]" = (),
    table_version: int | None = None,
    split: str | None = None,
    audit: Location | None = None,
    images: int = 2_000,
    max_bytes: int = 20_000_000,
    allow_uri: Location | Sequence[Location] | None = None,
    seed: int = 0,
) -> "PageReport":
    """Write one HTML page of a table: counts, a map, findings, models, records.

    Args:
        table: the feature table.
        output: the page's file; when None it is kept in the table's folder, where `describe` finds
            it.
        models: models, or their folders or names, of the table's contract.
        table_version: an older version; the newest when None.
        split: the split to measure models on; "test", or another held-out one, when None.
        audit: folder of what an audit of the table wrote; none when None.
        images: on the map at most, chosen of every label and split.
        max_bytes: of the page at most; pictures are left out for it.
        allow_uri: folders or prefixes whose images may be opened, besides the one that this user
            extracted.
        seed: of the choice of images and of the map.

    Returns:
        The report: its `bytes`, its `pictures`, and `notes` on what the page does not show.

    Raises:
        TableError: there is no such table, version or split.
        ContractMismatchError: a model takes other features than the table has.
        UsageError: an argument is wrong, or a model reads images.
        OSError: the page cannot be written.
        ModelError: there is no such model.
    """
    given = {name: value for name, value in locals().items() if name != "models"}
    from classifiers import report as command
    from frozen_features.models import as_model
    from pipelines.errors import UsageError

    if isinstance(models, str) or not isinstance(models, Sequence):
        raise UsageError("models is a list of models; put one into a list")
    options = parse_keywords(command.make_parser(), given)
    return command.work(options, [as_model(each) for each in models])
