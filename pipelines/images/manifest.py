"""The rows of a manifest, a CSV, JSON-lines or Parquet file, as images."""

import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from pipelines.errors import InputError
from pipelines.images.arranging import by_option
from pipelines.images.layout import COLUMNS, PLAIN, Layout
from pipelines.images.manifest_files import Columns
from pipelines.images.manifest_stat import Stated
from pipelines.images.prefix import PrefixFence, refs_with_stat
from pipelines.images.splits import split_named, split_of, tell_renamed
from pipelines.images.stat_data import make_ref, ref_without_stat
from pipelines.records import ImageRef
from pipelines.stores.places import Place
from pipelines.stores.web_addresses import is_web, url_complaint


def list_rows(
    manifest: str,
    columns: Columns,
    root: Path | Place,
    layout: Layout = PLAIN,
    stated: Stated | None = None,
) -> list[ImageRef]:
    """List the images that rows name.

    Args:
        manifest: where the rows are from, for complaints.
        columns: what they hold.
        root: the folder that relative paths start from; every image must lie inside it.
        layout: where labels stand, if not in a column, and how splits are made.
        stated: the rows' stat data; None for those that the files have.

    Raises:
        InputError: a row names a path that is empty or outside the root, or an id is repeated.
    """
    nothing = [None] * len(columns["path"])
    rows = {name: columns.get(name, nothing) for name in COLUMNS}
    if layout.labels_from is not None:
        paths = [tuple((path or "").split("/")) for path in rows["path"]]
        told = by_option(manifest, paths, layout.labels_from)
        rows["label"] = [each.label for each in told]
        named = zip(rows["split"], told, strict=True)
        rows["split"] = [split or each.split for split, each in named]
    tell_renamed(manifest, {split for split in rows["split"] if split})
    fence = fence_around(root)
    inputs: list[_Row] = []
    values = (rows[name] for name in COLUMNS)
    for number, row in enumerate(zip(*values, strict=True), start=1):
        path, image_id, label, split, group = row
        if not path or "\0" in path:
            raise InputError(f"row {number} of {manifest} has no path, or one with a null byte")
        if image_id and "\0" in image_id:
            raise InputError(f"row {number} of {manifest} has an id with a null byte")
        on_web = is_web(path)
        complaint = url_complaint(path) if on_web else None
        uri = path if on_web else fence.locate(path)
        if uri is None or complaint is not None:
            said = complaint or fence.complaint(path)
            raise InputError(f"row {number} of {manifest} names {said}")
        name = image_id or path
        # A million rows have few labels and splits: one string each serves all.
        label = None if label is None else sys.intern(label)
        inputs.append(
            (name, uri, label, _split(split, split_of(name, label, group, layout.split_by)))
        )
    repeated = _first_repeated(name for name, _, _, _ in inputs)
    if repeated is not None:
        raise InputError(f"{manifest} repeats the id {repeated!r}; ids must be unique")
    twice = _first_repeated(uri for _, uri, _, _ in inputs)
    if twice is not None:
        raise InputError(
            f"{manifest} names {twice!r} more than once; an image has one id, label and split"
        )
    refs = _refs(inputs, root) if stated is None else _stated_refs(inputs, stated)
    if not any(rows["group"]):
        return refs
    groups = dict(zip((name for name, *_ in inputs), rows["group"], strict=True))
    return [replace(ref, group=groups[ref.image_id]) for ref in refs]


_Row = tuple[str, str, str | None, str]


def _refs(inputs: list[_Row], root: Path | Place) -> list[ImageRef]:
    # The web is not asked for signs of a change: that would be a request an image and run.
    fetched = [ref_without_stat(*each) for each in inputs if is_web(each[1])]
    others = [each for each in inputs if not is_web(each[1])] if fetched else inputs
    if isinstance(root, Place):
        return refs_with_stat(others) + fetched
    return [make_ref(*each) for each in others] + fetched


def _stated_refs(inputs: list[_Row], stated: Stated) -> list[ImageRef]:
    numbers = (stated.sizes, stated.modified, stated.changed)
    columns = zip(*(each.tolist() for each in numbers), strict=True)
    return [ImageRef(*each, *stat) for each, stat in zip(inputs, columns, strict=True)]


def _split(given: str | None, otherwise: str) -> str:
    return sys.intern(split_named(given) if given else otherwise)


def _first_repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


class Fence(Protocol):
    """Places paths below a root and finds those that lead out of it."""

    def locate(self, path: str) -> str | None:
        """Where the image is that a path means; None when it is outside the root."""

    def complaint(self, path: str) -> str:
        """Why a path means nothing inside the root, and what to do; begins with the path."""


def fence_around(root: Path | Place) -> Fence:
    """The fence around a folder or a prefix."""
    return PrefixFence(root) if isinstance(root, Place) else FolderFence(root)


class FolderFence:
    """A fence around a local folder, which links lead out of too."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._real = os.path.realpath(root)
        self._inside: dict[str, bool] = {}

    def locate(self, path: str) -> str | None:
        """The file that a relative or absolute path means; None when it is outside the root."""
        if "://" in path or "\0" in path:
            return None
        uri = os.path.normpath(os.path.join(self._root, path))  # noqa: PTH118 - a million rows
        folder = os.path.dirname(uri)  # noqa: PTH120
        if folder not in self._inside:
            self._inside[folder] = self.holds(os.path.realpath(folder))
        if not self._inside[folder]:
            return None
        if os.path.islink(uri) and not self.holds(os.path.realpath(uri)):  # noqa: PTH114
            return None
        return uri

    def complaint(self, path: str) -> str:
        """See `Fence.complaint`."""
        if "://" in path:
            return elsewhere(path)
        uri = os.path.normpath(os.path.join(self._root, path))  # noqa: PTH118
        real = os.path.realpath(uri)
        if os.path.commonpath([self._root, uri]) == self._root:
            return (
                f"{path!r}, a link that leads to {real}, outside {self._root}; give the paths that "
                "the links lead to, and name a folder around them with --input_root"
            )
        return (
            f"{path!r}, which is outside {self._root}; "
            "name a folder around all images with --input_root"
        )

    def holds(self, real: str) -> bool:
        """Whether a place without links lies inside the root."""
        return os.path.commonpath([self._real, real]) == self._real


def elsewhere(address: str) -> str:
    """What to say of an address that is in no folder and no store of the root's kind."""
    return f"{address!r}, which is outside the root; name one above all images with --input_root"
