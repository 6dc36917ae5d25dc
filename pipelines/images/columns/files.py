"""Files that images may lie in, below a folder or prefix that holds no images itself."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from pipelines.outputs import INSIDES
from pipelines.stores.objects import list_objects
from pipelines.stores.places import Place

BYTES_SUFFIXES = frozenset({".parquet", ".arrow", ".feather"})
"""Of files that may hold images in a column."""


def files_below(root: Path | Place, suffixes: Collection[str]) -> list[str]:
    """Paths or URIs of files of some suffixes, ascending.

    Hidden files and folders, those whose name begins with "_", and tables and models of ours are
    passed over.

    Raises:
        StoreError: the store does not list it.
    """
    uris = _objects(root) if isinstance(root, Place) else _files(root)
    return sorted(uri for uri in uris if PurePosixPath(uri).suffix.lower() in suffixes)


def _files(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        if not INSIDES.keys().isdisjoint((*folders, *files)):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not _is_passed_over(name)]
        yield from (f"{folder}/{name}" for name in files if not _is_passed_over(name))


def _objects(root: Place) -> Iterator[str]:
    keys = [
        tuple((root.below(stat.key) or "").split("/"))
        for page in list_objects(root)
        for stat in page
    ]
    inside = {
        parts[:place] for parts in keys for place, part in enumerate(parts) if part in INSIDES
    }
    for parts in keys:
        ours = bool(inside) and any(parts[:place] in inside for place in range(len(parts)))
        if not ours and not any(map(_is_passed_over, parts)):
            yield root.at("/".join(filter(None, (root.key, *parts)))).uri


def _is_passed_over(name: str) -> bool:
    return name.startswith((".", "_"))
