"""Where images come from: a folder or a manifest becomes a sorted list of `ImageRef`."""

import itertools
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from pipelines.errors import InputError
from pipelines.images.at_location import list_at
from pipelines.images.kinds import IMAGE_SUFFIXES
from pipelines.images.layout import BY_GROUP, PLAIN, STRATIFIED, Layout
from pipelines.images.patterns import files_of, is_pattern
from pipelines.images.picked import Picked
from pipelines.images.splits import split_of
from pipelines.images.stat_data import ref_without_stat
from pipelines.images.stratifying import stratify
from pipelines.images.text_values import several
from pipelines.records import ImageRef, labels_of, storable
from pipelines.stores.door import require_store
from pipelines.stores.objects import StoreAwayError, StoreError, stat_of
from pipelines.stores.places import is_remote, parse_place
from pipelines.stores.web_addresses import allow_private_hosts, is_web, url_complaint
from pipelines.system.garbage import collector_paused


@collector_paused()
def list_images(
    location: str,
    root: str | None = None,
    layout: Layout = PLAIN,
    held: Mapping[str, str] = MappingProxyType({}),
) -> Sequence[ImageRef]:
    """List the images of a folder or a manifest, ascending by `image_id`; those of many as columns.

    Args:
        location: a folder, understood as `arrange` does or by the metadata in it, a manifest, or
            files that images are packed in, named by a pattern if there are several; local, or on
            an object store.
        root: the folder that a manifest's paths are relative to and must lie in; its own folder
            when None.
        layout: how what is there is to be understood.
        held: by id, the split that a table has of an image, which it keeps where the input says
            none and splits are stratified.

    Raises:
        StoreAwayError: the store gives no answer.
        InputError: there is no such folder or file, it holds no image, or it contradicts itself.
    """
    if not location:
        raise InputError("the input is empty; name a folder or a manifest with --input")
    allow_private_hosts(layout.private_hosts)
    try:
        refs = list_at(location, root, layout)
    except StoreAwayError:
        raise  # not the user's mistake: the same command may work later
    except StoreError as error:
        raise InputError(str(error)) from error
    if not refs:
        raise InputError(
            f"no images in {location}; in a folder or an archive their names end in one of "
            f"{', '.join(sorted(IMAGE_SUFFIXES))}, and a manifest has a row for each"
        )
    if isinstance(refs, Picked):  # in order already, and no id twice
        return refs
    refs = _divided(_prefixed(refs, layout), layout.label_separator)
    refs.sort(key=lambda ref: ref.image_id)
    for one, next_one in itertools.pairwise(refs):
        if one.image_id == next_one.image_id:
            raise InputError(
                f"two files of {location} have the id {one.image_id!r}, because one's name is not "
                "UTF-8; rename it"
            )
    if layout.split_by == BY_GROUP and all(ref.group is None for ref in refs):
        raise InputError(
            f"--split_by {BY_GROUP}: no image of {location} has a group; --group_column names the "
            "column of them"
        )
    return stratify(refs, held) if layout.split_by == STRATIFIED else refs


def list_or_name(
    location: str, root: str | None = None, layout: Layout = PLAIN
) -> Sequence[ImageRef]:
    """List images as `list_images` does, or name one or some, as `name_images` does.

    Args:
        location: as `list_images` takes it, an image, or a pattern of images, whose ids are as a
            shell would name them; local, or on an object store.
        root: as `list_images` takes it.
        layout: as `list_images` takes it.

    Raises:
        StoreAwayError, InputError: see `list_images`.
    """
    named = _images_named(location)
    if not named:
        return list_images(location, root, layout)
    if root is not None:
        what = "an image" if named == [location] else "a pattern of images"
        raise InputError(f"--input_root is for manifests, and {location} is {what}")
    return _prefixed(name_images(named), layout)


def _images_named(location: str) -> list[str]:
    if not is_pattern(location):
        return [location] if _has_image_suffix(location) and _is_file(location) else []
    files = files_of(location)
    if not all(map(_has_image_suffix, files)):
        return []
    given = is_remote(location) or Path(location).is_absolute()
    return files if given else [os.path.relpath(file) for file in files]


def _has_image_suffix(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def name_images(paths: Iterable[str | os.PathLike[str]]) -> list[ImageRef]:
    """Images that are named one by one, in that order, without labels; the id is what was given.

    Args:
        paths: files, or objects on a store.

    Raises:
        InputError: there are none.
    """
    refs = []
    for given in paths:
        path = os.fspath(given)
        if is_web(path) and (complaint := url_complaint(path)) is not None:
            raise InputError(f"the list of images names {complaint}")
        name = storable(path)
        uri = path if is_remote(path) else str(Path(path).absolute())
        refs.append(ref_without_stat(name, uri, None, split_of(name, None)))
    if not refs:
        raise InputError("the list of images is empty; name one or more")
    for bucket in {parse_place(ref.uri).at("") for ref in refs if is_remote(ref.uri)}:
        require_store(bucket)
    return refs


def _prefixed(refs: Sequence[ImageRef], layout: Layout) -> list[ImageRef]:
    if not layout.id_prefix:
        return list(refs)
    return [replace(ref, image_id=layout.id_prefix + ref.image_id) for ref in refs]


def _divided(refs: list[ImageRef], separator: str | None) -> list[ImageRef]:
    """Images with several labels for those whose label is a text of several."""
    if separator is None:
        return refs
    return [
        ref
        if ref.label is None or labels_of(ref.label) is not None
        else replace(ref, label=sys.intern(several(ref.label.split(separator))))
        for ref in refs
    ]


def _is_file(location: str) -> bool:
    try:
        if is_remote(location):
            return stat_of(parse_place(location)) is not None
    except StoreAwayError:
        raise
    except StoreError as error:
        raise InputError(str(error)) from error
    return Path(location).is_file()
