"""Looking for what is wrong with the images of a table."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from frozen_features.keywords import Location, parse_keywords
from pipelines.redaction import without_secrets

if TYPE_CHECKING:
    from classifiers.auditing.report import AuditReport


@without_secrets
def audit(
    table: Location,
    *,
    table_version: int | None = None,
    split: str | None = None,
    model: Location | Sequence[Location] | None = None,
    near: float | None = None,
    pictures: int | str = "all",
    allow_uri: Location | Sequence[Location] | None = None,
    seed: int = 0,
    memory: str | int | None = None,
    output: Location | None = None,
) -> "AuditReport":
    """Find near duplicates, suspect labels, outliers, bad classes and poor pictures.

    Args:
        table: the feature table.
        table_version: an older version; the newest when None.
        split: this split only; all when None.
        model: models to ask about the labels of splits that they were not trained on.
        near: nearness, above 0 and below 1, from which two images are near duplicates; 0.6 when
            None, and more where features have few channels.
        pictures: images to open and look at, drawn at random; "all", or 0 for none.
        allow_uri: folders or prefixes whose images may be opened, besides the one that this user
            extracted.
        seed: of every random choice.
        memory: most memory for vectors and what is made of them, as "8G" or in bytes; half of what
            the process may use when None.
        output: folder for all that is found.

    Returns:
        The report: its `groups`, `labels`, `outliers` and `quality` hold the findings.

    Raises:
        UsageError: an argument is wrong, memory is too little, or a model is of no use here.
        ContractMismatchError: a model was made for other features.
        TableError: there is no such table or split, or a file is damaged.
        ModelError: there is no such model, or it is damaged.
    """
    given = locals()
    from classifiers import audit as command

    given = {name: _several(value) for name, value in given.items()}
    return command.work(parse_keywords(command.make_parser(), given))


def _several(value: object) -> object:
    """A path as one text: what may be given several times is read one by one otherwise."""
    return os.fspath(value) if isinstance(value, os.PathLike) else value
