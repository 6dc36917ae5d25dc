"""A folder of images, its subfolders saying split and label."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pipelines.errors import InputError
from pipelines.images.splits import NAMED_SPLITS, split_of
from pipelines.images.stat_data import make_ref
from pipelines.records import ImageRef, storable

Found = TypeVar("Found")

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def list_folder(root: Path) -> list[ImageRef]:
    """List the images below a folder: `split/label/image`, `label/image`, or flat.

    Hidden files and files without an image's suffix are left out.

    Raises:
        InputError: see `arrange`.
    """
    return arrange(str(root), _walk(root, ()), lambda n, e, la, sp: make_ref(n, e.path, la, sp))


def arrange(
    root: str,
    images: Iterable[tuple[tuple[str, ...], Found]],
    make: Callable[[str, Found, str | None, str], ImageRef],
) -> list[ImageRef]:
    """Give images their ids, labels and splits by the folders they lie in.

    All images lie at one depth, which says what the folders mean.

    Args:
        root: the folder above all of them, for complaints.
        images: the names of the folders between the root and each image, and its own; and whatever
            was found there.
        make: makes a reference from an id, what was found, a label and a split.

    Raises:
        InputError: the images lie at several depths, or too deep, or splits hold no label folders.
    """
    found = list(images)
    if not found:
        return []
    by_depth = {len(parts): parts for parts, _ in found}
    if len(by_depth) > 1:
        shown = " and ".join(repr("/".join(by_depth[depth])) for depth in sorted(by_depth)[:2])
        raise InputError(
            f"images of {root} lie at different depths ({shown}); "
            "use split/label/image, label/image, a flat folder, or a manifest"
        )
    (depth,) = by_depth
    if depth > 3:
        raise InputError(
            f"images of {root} lie too deep ({'/'.join(by_depth[depth])!r}); "
            "use split/label/image, or a manifest"
        )
    if depth == 2 and {parts[0] for parts, _ in found} <= NAMED_SPLITS:
        raise InputError(
            f"{root} has split folders with no label folders inside; "
            "use split/label/image, or a manifest"
        )
    return [make(*_meaning(parts, each)) for parts, each in found]


def _walk(
    folder: Path, above: tuple[str, ...], open_folders: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[tuple[tuple[str, ...], os.DirEntry[str]]]:
    here = folder.stat()
    place = (here.st_dev, here.st_ino)
    if place in open_folders:  # a link back up
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            # A folder named like an image is an image that cannot be read, and is listed as that.
            if Path(entry.name).suffix.lower() in IMAGE_SUFFIXES:
                yield (*above, entry.name), entry
            elif _is_folder(entry):
                yield from _walk(Path(entry.path), (*above, entry.name), open_folders | {place})


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _meaning(parts: tuple[str, ...], found: Found) -> tuple[str, Found, str | None, str]:
    names = tuple(storable(part) for part in parts)
    image_id = "/".join(names)
    label = names[-2] if len(names) > 1 else None
    split = names[0] if len(names) == 3 else split_of(image_id, label)
    return image_id, found, label, split
