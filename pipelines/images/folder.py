"""A folder of images, its subfolders saying split and label."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pipelines.cli import few, log
from pipelines.errors import InputError
from pipelines.images.passed_over import SHOWN, PassedOver
from pipelines.images.splits import split_meant, split_of
from pipelines.images.stat_data import make_ref
from pipelines.outputs import INSIDES
from pipelines.records import ImageRef, storable

Found = TypeVar("Found")

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def list_folder(root: Path) -> list[ImageRef]:
    """List the images below a folder: `split/label/image`, `label/image`, or flat.

    Hidden files are left out, and so are files without an image's suffix and tables and models of
    ours, which is told.

    Raises:
        InputError: see `arrange`.
    """
    passed = PassedOver()
    found = list(_walk(root, (), passed))
    passed.taken = len(found)
    passed.tell(str(root))
    return arrange(str(root), found, lambda n, e, la, sp: make_ref(n, e.path, la, sp))


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
        InputError: the images lie at several depths or too deep, or a label is a split's name.
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
            "use split/label/image, name a folder further down, or a manifest"
        )
    _check_names(root, depth, [parts for parts, _ in found])
    return [make(*_meaning(parts, each)) for parts, each in found]


def _walk(
    folder: Path,
    above: tuple[str, ...],
    passed: PassedOver,
    open_folders: frozenset[tuple[int, int]] = frozenset(),
) -> Iterator[tuple[tuple[str, ...], os.DirEntry[str]]]:
    here = folder.stat()
    place = (here.st_dev, here.st_ino)
    if place in open_folders:  # a link back up
        return
    with os.scandir(folder) as listing:
        entries = [entry for entry in listing if not entry.name.startswith(".")]
    ours = next((what for name, what in INSIDES.items() if name in {e.name for e in entries}), None)
    if ours is not None:
        passed.folders["/".join(above)] = ours
        return
    for entry in entries:
        # A folder named like an image is an image that cannot be read, and is listed as that.
        if Path(entry.name).suffix.lower() in IMAGE_SUFFIXES:
            yield (*above, entry.name), entry
        elif _is_folder(entry):
            inside = (*above, entry.name)
            yield from _walk(Path(entry.path), inside, passed, open_folders | {place})
        else:
            passed.file("/".join((*above, entry.name)))


def _check_names(root: str, depth: int, images: Sequence[tuple[str, ...]]) -> None:
    """Find out whether folders mean what their depth says that they mean.

    Raises:
        InputError: a label has the name of a split.
    """
    if depth == 1:
        return
    splits = sorted(name for name in {parts[-2] for parts in images} if split_meant(name))
    if splits:
        example = min("/".join(parts) for parts in images if parts[-2] in splits)
        said = "which is the name of a split" if len(splits) == 1 else "which are names of splits"
        raise InputError(
            f"{root} has images right inside of {' and '.join(map(repr, splits[:3]))}, {said} and "
            f"not of labels ({example!r}); use split/label/image, or a manifest that names "
            "path, label and split of each"
        )
    named = sorted({parts[0] for parts in images}) if depth == 3 else []
    if not all(map(split_meant, named)):
        labels = sorted({parts[1] for parts in images})
        below = Path(root) / named[0]
        log(
            f"by the folders split/label/image of {root} the splits are {few(named, SHOWN)}, and "
            f"the labels {few(labels, SHOWN)}"
            + (f"; without splits, name {below}" if len(named) == 1 and below.is_dir() else "")
        )


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
