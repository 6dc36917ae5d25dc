"""Putting the files of a version into a bucket, and saying that they are one."""

import contextlib
from pathlib import Path

from classifiers.models.versions.record import LARGEST_RECORD, Record
from pipelines.errors import FrozenFeaturesError
from pipelines.stores.objects import read_object
from pipelines.stores.places import Place
from pipelines.stores.writing import create_object, delete_objects, put_file


def upload(draft: Path, folder: Place, record: Record) -> None:
    """Upload files; if one fails, those before it are deleted again.

    Args:
        draft: where the files are.
        folder: where they go.
        record: which they are.

    Raises:
        StoreError: the store does not take them.
    """
    try:
        for name in record.files:
            put_file(folder.inside(name), draft / name)
    except BaseException:
        withdraw(folder, record)
        raise


def withdraw(folder: Place, record: Record) -> None:
    """Delete files that no version is made of; where that fails they cost space alone."""
    with contextlib.suppress(FrozenFeaturesError, OSError):
        delete_objects([folder.inside(name) for name in record.files])


def publish(place: Place, record: Record) -> bool:
    """Say at a place what a version is.

    Returns:
        False if that place is another version's.

    Raises:
        StoreError: the store gives no answer. It may have heard all the same, so that the files
            must stay.
    """
    content = record.as_bytes()
    if create_object(place, content):
        return True
    # An answer that got lost on the way makes a client try again what was done.
    return read_object(place.uri, LARGEST_RECORD) == content
