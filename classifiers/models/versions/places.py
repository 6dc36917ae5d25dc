"""The versions at a place, wherever that is."""

from pathlib import Path

from classifiers.models.versions.bucket import BucketVersions
from classifiers.models.versions.local import LocalVersions
from pipelines.stores.places import is_remote, parse_place

Versions = LocalVersions | BucketVersions


def versions_at(location: str, option: str = "--model") -> Versions:
    """The versions at a place.

    Args:
        location: as `model_location` gives it.
        option: that named it, for complaints.
    """
    if is_remote(location):
        return BucketVersions(parse_place(location), option)
    return LocalVersions(Path(location), option)
