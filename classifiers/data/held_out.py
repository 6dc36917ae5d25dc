"""Which split a training is measured on after each epoch."""

from collections.abc import Collection

from pipelines.cli import log
from pipelines.errors import UsageError
from pipelines.images.splits import VALIDATION


def held_out_split(trained_on: str, named: str | None, there: Collection[str]) -> str | None:
    """The split to validate on; None, which is told, where none is named and there is none.

    Args:
        trained_on: the split that is trained on.
        named: what `--validation_split` says.
        there: the splits that there are.

    Raises:
        UsageError: the split that is named is the one that is trained on.
    """
    if named == trained_on:
        raise UsageError(f"--validation_split {named} is the split that is trained on")
    if named is not None:
        return named
    if VALIDATION in there and trained_on != VALIDATION:
        return VALIDATION
    log(f"no split {VALIDATION!r} besides what is trained on: training without validation")
    return None
