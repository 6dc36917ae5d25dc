"""The images below a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from pipelines.images.arranging import Parts
from pipelines.images.kinds import IMAGE_SUFFIXES, may_be_image
from pipelines.images.layout import PLAIN, Layout
from pipelines.images.passed_over import PassedOver
from pipelines.images.stat_data import make_ref
from pipelines.outputs import INSIDES
from pipelines.records import ImageRef


def find_in_folder(
    root: Path, layout: Layout = PLAIN
) -> tuple[list[tuple[Parts, os.DirEntry[str]]], PassedOver]:
    """Find the images below a folder, and what is passed over.

    Hidden files are left out, and so are files without an image's suffix and tables and models of
    ours.

    Args:
        root: the folder.
        layout: whether files of other suffixes are looked into.
    """
    passed = PassedOver()
    found = list(_walk(root, (), passed, layout.any_suffix))
    passed.taken = len(found)
    return found, passed


def ref_of_entry(image_id: str, entry: os.DirEntry[str], label: str | None, split: str) -> ImageRef:
    """The reference of an image that was found in a folder."""
    return make_ref(image_id, entry.path, label, split)


def _walk(
    folder: Path,
    above: Parts,
    passed: PassedOver,
    any_suffix: bool,
    open_folders: frozenset[tuple[int, int]] = frozenset(),
) -> Iterator[tuple[Parts, os.DirEntry[str]]]:
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
            yield from _walk(Path(entry.path), inside, passed, any_suffix, open_folders | {place})
        elif any_suffix and may_be_image(entry.path):
            yield (*above, entry.name), entry
        else:
            passed.file((*above, entry.name))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
