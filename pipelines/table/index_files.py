"""The files of the index of nearest neighbours, a cache inside the table's folder: names, deletion.

What they hold is the affair of `classifiers.nearest`; but what is forgotten must be gone from them.
"""

import re
import uuid

from pipelines.table.deletion import delete_inside
from pipelines.table.schema import INDEX_FOLDER
from pipelines.table.storage import open_folder, plain_files

_RECORD = re.compile(rf"{INDEX_FOLDER}/(\d{{20}})\.json")
_OURS = re.compile(rf"{INDEX_FOLDER}/\d{{20}}(\.json|-[0-9a-f]{{32}}\.usearch)")


def record_path(version: int) -> str:
    """The file that says which index a version of the table has."""
    return f"{INDEX_FOLDER}/{version:020d}.json"


def new_index_path(version: int) -> str:
    """A file for an index of a version, of a name that no other has."""
    return f"{INDEX_FOLDER}/{version:020d}-{uuid.uuid4().hex}.usearch"


def recorded_versions(uri: str) -> list[int]:
    """Versions of the table of which there is a record, ascending."""
    found = map(_RECORD.fullmatch, plain_files(open_folder(uri), INDEX_FOLDER))
    return sorted(int(each[1]) for each in found if each)


def delete_index(uri: str, spared: frozenset[str] = frozenset()) -> int:
    """Delete indexes and their records; what else the folder holds stays.

    Args:
        uri: the table.
        spared: paths of those that stay.

    Returns:
        How many files were deleted.

    Raises:
        OSError: one cannot be deleted.
    """
    paths = plain_files(open_folder(uri), INDEX_FOLDER)
    # Records first: what they name is gone only when nobody looks for it any more.
    doomed = sorted({path for path in paths if _OURS.fullmatch(path)} - spared)
    for path in sorted(doomed, key=lambda path: not path.endswith(".json")):
        delete_inside(uri, path)
    return len(doomed)
