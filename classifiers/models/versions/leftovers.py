"""Files that a killed process left in a bucket before they were a version's."""

import re
from collections.abc import Sequence

from classifiers.models.place import model_files
from classifiers.models.versions.record import LARGEST_RECORD, is_token, record_from_json
from pipelines.stores.objects import ObjectStat, TooLargeError, list_objects, read_object
from pipelines.stores.places import Place
from pipelines.stores.writing import delete_objects

OLD = 24 * 3600 * 10**6
"""Microseconds after which an upload that said nothing is taken for one that was killed."""

_PROBE = re.compile("writable-[0-9a-f]{32}")


def remove_leftovers(files: Place, records: Place) -> int:
    """Delete what was uploaded for a version that never came to be.

    That is a folder of ours in which nothing but a model's files lies, none of them younger than a
    day by the store's own clock, and which no record names. If any record cannot be read, or there
    is something else among them, nothing is deleted, since it is not known what they need.

    Args:
        files: where the folders of all versions lie.
        records: where their records lie.

    Returns:
        How many folders were deleted.

    Raises:
        StoreError: the store does not list, give or delete objects.
    """
    found = [each for page in list_objects(files) for each in page]
    folders = _by_folder(files, found)
    now = max((each.modified for each in found), default=0)
    old = {
        token: objects
        for token, objects in folders.items()
        if now - max(each.modified for each in objects) > OLD
    }
    # Listed after the files, so that a version that came to be meanwhile is among them.
    names = [records.below(each.key) or "" for page in list_objects(records) for each in page]
    names = [name for name in names if not _PROBE.fullmatch(name)]
    if not old or len(folders) <= len(names):  # each version has its folder: none is left
        return 0
    try:
        kept = {_folder_of(records.inside(name)) for name in names}
    except (ValueError, TooLargeError):
        return 0
    left = {token: objects for token, objects in old.items() if token not in kept}
    delete_objects([files.at(each.key) for objects in left.values() for each in objects])
    return len(left)


def _folder_of(record: Place) -> str:
    return record_from_json(read_object(record.uri, LARGEST_RECORD)).folder


def _by_folder(files: Place, found: Sequence[ObjectStat]) -> dict[str, list[ObjectStat]]:
    """Objects by the folder of a version that they lie in, without folders of other things."""
    folders: dict[str, list[ObjectStat]] = {}
    strange = set()
    for each in found:
        token, _, name = (files.below(each.key) or "").partition("/")
        if is_token(token):
            folders.setdefault(token, []).append(each)
            if name not in model_files():
                strange.add(token)
    return {token: objects for token, objects in folders.items() if token not in strange}
