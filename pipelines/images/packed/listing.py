"""The images of packed files, as a folder's images are listed."""

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO

from pipelines.errors import InputError
from pipelines.images.arranging import arrange
from pipelines.images.layout import Layout
from pipelines.images.packed.index import PACKED_SUFFIXES, Index, PackedImage
from pipelines.images.packed.kept import Signs, index_of, signs_of
from pipelines.images.packed.tar import index_tar
from pipelines.images.packed.zip import index_zip
from pipelines.images.passed_over import PassedOver
from pipelines.images.splits import split_meant, split_named, split_of, tell_renamed
from pipelines.records import ImageRef, storable
from pipelines.stores.members import Member
from pipelines.stores.objects import StoreAwayError

LOOKS: dict[str, Callable[[BinaryIO, Mapping[str, str]], Index]] = {
    ".tar": index_tar,
    ".zip": index_zip,
}
"""How a packed file is looked through, by its suffix."""

assert LOOKS.keys() == PACKED_SUFFIXES


class _Found:
    """A member and the file that it lies in."""

    __slots__ = ("image", "member", "signs")

    def __init__(self, member: Member, image: PackedImage | None, signs: Signs) -> None:
        self.member, self.image, self.signs = member, image, signs


def list_packed(root: str, files: Sequence[str], layout: Layout) -> list[ImageRef]:
    """List the images of packed files.

    A member's id is its name, after the names of the folders that its file lies in below the root.
    Where members of an extension `cls` lie beside images, or the layout names others, they are the
    labels; otherwise folders are, as in a folder.

    Args:
        root: the folder or prefix that all files lie in.
        files: paths or URIs.
        layout: how what is in them is to be understood.

    A file that cannot be looked through is listed as one image that cannot be read.

    Raises:
        InputError: see `arrange`; or no file can be looked through.
        StoreAwayError: the store gives no answer.
    """
    columns = {"label": "cls", **layout.columns}
    passed = PassedOver()
    found = [each for file in files for each in _look(root, file, columns, passed)]
    passed.taken = len(found)
    passed.tell(root)
    found = list(_without_repeated(found))
    images = [each for each in found if each[1].image is not None]
    if found and not images:
        (_, first), *_ = found
        raise InputError(f"no image in {first.member.file} can be read: {first.member.name}")
    told = any("label" in each.image.columns for _, each in images if each.image is not None)
    if told and layout.labels_from is None:
        tell_renamed(root, {split for parts, each in found if (split := _split(parts, each))})
        return [_said(parts, each, layout.split_by) for parts, each in found]
    refs = arrange(root, images, _ref, layout)
    return refs + [
        _said(parts, each, layout.split_by) for parts, each in found if each.image is None
    ]


def _look(
    root: str, file: str, columns: Mapping[str, str], passed: PassedOver
) -> Iterator[tuple[tuple[str, ...], _Found]]:
    *above, name = file.removeprefix(root).lstrip("/").split("/")
    try:
        signs = signs_of(file)
        index = index_of(file, signs, columns, LOOKS[posixpath.splitext(file)[1].lower()])
    except StoreAwayError:
        raise
    except (ValueError, OSError) as error:
        fault = Member("fault", file, 0, 0, _why(error))
        yield (*above, name), _Found(fault, None, Signs(0, 0, 0))
        return
    passed.suffixes.update(index.suffixes)
    for image in index.images:
        member = Member(index.kind, file, image.start, image.packed, image.name)
        yield (*above, *_parts(image.name)), _Found(member, image, signs)
    for name, why in index.faults:
        member = Member("fault", file, 0, 0, why)
        yield (*above, *_parts(name)), _Found(member, None, signs)


def _why(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(said.split())


def _parts(name: str) -> tuple[str, ...]:
    parts = name.split("/")
    if "" in parts or "." in parts:  # of millions of members few
        parts = [part for part in parts if part not in ("", ".")]
    return tuple(parts)


def _without_repeated(
    found: Sequence[tuple[tuple[str, ...], _Found]],
) -> Iterator[tuple[tuple[str, ...], _Found]]:
    seen: set[tuple[str, ...]] = set()
    for parts, each in found:
        called, number = parts, 1
        while called in seen:
            number += 1
            called = (*parts[:-1], f"{parts[-1]} ({number})")
        seen.add(called)
        if called != parts and each.image is not None:
            why = f"an image before it has the id {'/'.join(parts)!r}"
            each = _Found(Member("fault", each.member.file, 0, 0, why), None, each.signs)
        yield called, each


def _ref(image_id: str, found: _Found, label: str | None, split: str) -> ImageRef:
    size = 0 if found.image is None else found.image.bytes
    signs = found.signs
    uri = found.member.uri
    return ImageRef(image_id, uri, label, split, size, signs.modified, signs.changed)


def _said(parts: tuple[str, ...], found: _Found, split_by: str | None) -> ImageRef:
    columns = {} if found.image is None else found.image.columns
    image_id = columns.get("id") or "/".join(map(storable, parts))
    label = columns.get("label")
    split = _split(parts, found)
    group = columns.get("group")
    chosen = split_named(split) if split else split_of(image_id, label, group, split_by)
    ref = _ref(image_id, found, label, chosen)
    return ref if group is None else replace(ref, group=group)


def _split(parts: tuple[str, ...], found: _Found) -> str | None:
    split = None if found.image is None else found.image.columns.get("split")
    if split is None and len(parts) > 1 and split_meant(parts[0]):
        return parts[0]
    return split
