"""Indexes of packed files, kept in the cache for as long as a file's signs stay the same."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import BinaryIO

from pipelines.images.packed.index import Index
from pipelines.images.packed.opening import open_packed
from pipelines.stores.objects import stat_of
from pipelines.stores.places import is_remote, parse_place
from pipelines.system.cached_json import keep_json, kept_json

LAYOUT_VERSION = 2
"""Counted up when an index would be another for the same file."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What tells of a change of a file without reading it.

    Attributes:
        bytes: size.
        modified: time of last change, microseconds since the epoch (UTC).
        changed: like `modified`, but of the file's attributes too; a store's is one tick later.
    """

    bytes: int
    modified: int
    changed: int


def signs_of(location: str) -> Signs:
    """The signs that a file or object has now.

    Raises:
        OSError: it is not there, or may not be looked at.
    """
    if is_remote(location):
        found = stat_of(parse_place(location))
        if found is None:
            raise FileNotFoundError(f"no object at {location}")
        return Signs(found.bytes, found.modified, found.modified + TICK - 1)
    status = os.stat(location)  # noqa: PTH116
    return Signs(status.st_size, status.st_mtime_ns // 1000, status.st_ctime_ns // 1000)


TICK = 1_000_000
"""Microseconds that pass before a store's time of change shows another value."""


def index_of(
    location: str,
    signs: Signs,
    columns: Mapping[str, str],
    look: Callable[[BinaryIO, Mapping[str, str]], Index],
) -> Index:
    """The index of a file: the one kept of it, or made now.

    Args:
        location: the file or object.
        signs: as it has them now.
        columns: what its members are asked for.
        look: makes the index.

    Raises:
        ValueError: it is no such file.
        OSError: it may not be read.
    """
    asked = json.dumps([LAYOUT_VERSION, look.__name__, location, dict(columns)], sort_keys=True)
    name = f"packed/{hashlib.sha256(asked.encode('utf-8', 'surrogateescape')).hexdigest()}.json"
    known = kept_json(name)
    if known is not None and known["asked"] == asked and known["signs"] == asdict(signs):
        return Index.of_json(known["index"])
    with open_packed(location) as file:
        index = look(file, columns)
    keep_json(name, {"asked": asked, "signs": asdict(signs), "index": index.as_json()})
    return index
