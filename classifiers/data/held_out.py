"""Which split a training is measured on after each epoch."""

import contextlib
from collections.abc import Collection, Iterator

from pipelines.cli import log
from pipelines.errors import FrozenFeaturesError, UsageError
from pipelines.images.splits import VALIDATION, split_meant

NO_SPLIT = "none"
"""What `--validation_split` says for a training without validation."""


def held_out_split(trained_on: str, named: str | None, there: Collection[str]) -> str | None:
    """The split to validate on; None where none is wanted, or, which is told, there is none.

    Without a name it is "validation", or the only split that is called so in other words.

    Args:
        trained_on: the split that is trained on.
        named: what `--validation_split` says; "none" for no validation.
        there: the splits that there are.

    Raises:
        UsageError: the split that is named is the one that is trained on.
    """
    if named == NO_SPLIT:
        return None
    if named == trained_on:
        raise UsageError(f"--validation_split {named} is the split that is trained on")
    if named is not None:
        return named
    if VALIDATION in there and trained_on != VALIDATION:
        return VALIDATION
    meant = sorted(name for name in there if split_meant(name) == VALIDATION and name != trained_on)
    if len(meant) == 1:
        log(f"validating on split {meant[0]!r}")
        return meant[0]
    which = f"; --validation_split names {' or '.join(meant)}" if meant else ""
    log(f"no split {VALIDATION!r} besides what is trained on: training without validation{which}")
    return None


@contextlib.contextmanager
def validating(split: str) -> Iterator[None]:
    """Around reading the split to validate on: an error also says how to do without it.

    Raises:
        FrozenFeaturesError: of the same kind.
    """
    try:
        yield
    except FrozenFeaturesError as error:
        raise type(error)(
            f"{error}; --validation_split names another split than {split}, or {NO_SPLIT}"
        ) from error
