"""What a model is called: a place, and which of the versions there."""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from pipelines.cli import local_path
from pipelines.errors import UsageError
from pipelines.redaction import redacted
from pipelines.stores.places import is_remote, parse_place

LATEST = "latest"
NAME_HELP = f"what train wrote: PLACE, PLACE@3 or PLACE@{LATEST}; a folder, s3:// or gs://"
PLACE_HELP = "folder to write, or s3:// or gs://, where each training is a new version"

_VERSION = re.compile(rf"(.*[^/])@([0-9]{{1,18}}|{LATEST})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model by its name.

    Attributes:
        location: a local folder, or the URI of a place in a bucket.
        version: which of the versions there; None for the latest.
    """

    location: str
    version: int | None = None

    def __str__(self) -> str:
        return self.location if self.version is None else f"{self.location}@{self.version}"


def model_name(text: str) -> ModelName:
    """An option's value that names a model to be read.

    A local folder whose own name ends like a version is meant where it is there.
    """
    place, version = text, None
    found = _VERSION.fullmatch(text)
    if found is not None and (is_remote(text) or not _exists(text)):
        place, which = found.groups()
        version = None if which == LATEST else int(which)
    return ModelName(model_location(place), version)


def model_place(text: str) -> str:
    """An option's value that names a place to put a model."""
    name = model_name(text)
    if name.location != model_location(text):
        raise argparse.ArgumentTypeError(
            f"{redacted(text)!r} names a version; name the place, whose versions are numbered as "
            "they come"
        )
    return name.location


def model_location(text: str) -> str:
    """A local path as it is, a place in a bucket as a URI."""
    if not is_remote(text):
        return str(local_path(text))
    try:
        place = parse_place(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not place.key:
        raise argparse.ArgumentTypeError(
            f"{place.uri} is a whole bucket; name a place in it, as {place.uri}/MODEL"
        )
    return place.uri


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # no path at all; `local_path` says so
        return False
