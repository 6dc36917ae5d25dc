"""The images below a folder, folder by folder."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.images.arranging import Parts
from pipelines.images.kinds import is_named_as_image, may_be_image
from pipelines.images.layout import PLAIN, Layout
from pipelines.images.passed_over import PassedOver
from pipelines.outputs import INSIDES


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """A folder with images right inside of it, of which no more is held than their names.

    A folder in which other folders lie between the images may come several times, so that images
    are in the order in which they are met.

    Attributes:
        parts: the names of the folders between the root and it, and its own; () for the root.
        start: what the path of everything in it begins with, "/photos/train/cats/".
        names: of the images, in the order of the folder; at least one.
    """

    parts: Parts
    start: str
    names: list[str]


def find_in_folder(root: Path, layout: Layout = PLAIN) -> tuple[list[ImageFolder], PassedOver]:
    """Find the images below a folder, and what is passed over.

    Hidden files are left out, and so are files without an image's suffix and tables and models of
    ours.

    Args:
        root: the folder.
        layout: whether files of other suffixes are looked into.
    """
    passed = PassedOver()
    found = list(_walk(root, (), passed, layout.any_suffix))
    passed.taken = sum(len(folder.names) for folder in found)
    return found, passed


def images_in(found: Iterable[ImageFolder]) -> Iterator[tuple[Parts, str]]:
    """Where each image lies below the root, and its file."""
    for folder in found:
        for name in folder.names:
            yield (*folder.parts, name), folder.start + name


def _walk(
    folder: Path,
    parts: Parts,
    passed: PassedOver,
    any_suffix: bool,
    open_folders: frozenset[tuple[int, int]] = frozenset(),
) -> Iterator[ImageFolder]:
    here = folder.stat()
    place = (here.st_dev, here.st_ino)
    if place in open_folders:  # a link back up
        return
    with os.scandir(folder) as listing:
        # A folder named like an image is an image that cannot be read, and is listed as that.
        entries = [
            name if is_named_as_image(name) else entry
            for entry in listing
            if not (name := entry.name).startswith(".")
        ]
    within = {entry.name for entry in entries if not isinstance(entry, str)}
    ours = next((what for name, what in INSIDES.items() if name in within), None)
    if ours is not None:
        passed.folders["/".join(parts)] = ours
        return
    start = os.path.join(folder, "")  # noqa: PTH118 - ends in a slash
    names: list[str] = []
    for entry in entries:
        if isinstance(entry, str):
            names.append(entry)
        elif _is_folder(entry):
            if names:
                yield ImageFolder(parts, start, names)
                names = []
            inside = (*parts, entry.name)
            yield from _walk(Path(entry.path), inside, passed, any_suffix, open_folders | {place})
        elif any_suffix and may_be_image(entry.path):
            names.append(entry.name)
        else:
            passed.file((*parts, entry.name))
    if names:
        yield ImageFolder(parts, start, names)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
