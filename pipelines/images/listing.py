"""Where images come from: a folder or a manifest becomes a sorted list of `ImageRef`."""

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from pipelines.errors import InputError
from pipelines.images.arranging import arrange
from pipelines.images.columns.delta import is_delta_table, list_delta
from pipelines.images.columns.files import BYTES_SUFFIXES, files_below
from pipelines.images.columns.listing import holds_images, list_columns
from pipelines.images.folder import find_in_folder, ref_of_entry
from pipelines.images.huggingface import list_described
from pipelines.images.kinds import IMAGE_SUFFIXES
from pipelines.images.layout import BY_GROUP, PLAIN, STRATIFIED, Layout
from pipelines.images.manifest import list_manifest
from pipelines.images.manifest_files import MANIFEST_SUFFIXES, manifest_suffix
from pipelines.images.packed.index import PACKED_SUFFIXES
from pipelines.images.packed.listing import list_packed
from pipelines.images.patterns import above_all, files_of, is_pattern
from pipelines.images.prefix import find_below, ref_of_object
from pipelines.images.splits import split_of
from pipelines.images.stat_data import ref_without_stat
from pipelines.images.stratifying import stratify
from pipelines.records import ImageRef, storable
from pipelines.stores.door import require_store
from pipelines.stores.objects import StoreAwayError, StoreError, stat_of
from pipelines.stores.places import Place, is_remote, parse_place
from pipelines.stores.web_addresses import allow_private_hosts, is_web, url_complaint
from pipelines.system.garbage import collector_paused

COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
HOLDING = PACKED_SUFFIXES | BYTES_SUFFIXES
"""Of files that images lie in."""


@collector_paused()
def list_images(
    location: str,
    root: str | None = None,
    layout: Layout = PLAIN,
    held: Mapping[str, str] = MappingProxyType({}),
) -> list[ImageRef]:
    """List the images of a folder or a manifest, ascending by `image_id`.

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
        if is_pattern(location):
            refs = _list_pattern(location, root, layout)
        else:
            refs = (_list_remote if is_remote(location) else _list_local)(location, root, layout)
    except StoreAwayError:
        raise  # not the user's mistake: the same command may work later
    except StoreError as error:
        raise InputError(str(error)) from error
    if not refs:
        raise InputError(
            f"no images in {location}; in a folder or an archive their names end in one of "
            f"{', '.join(sorted(IMAGE_SUFFIXES))}, and a manifest has a row for each"
        )
    refs = _prefixed(refs, layout)
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


def list_or_name(location: str, root: str | None = None, layout: Layout = PLAIN) -> list[ImageRef]:
    """List images as `list_images` does, or name one image, as `name_images` does.

    Args:
        location: a folder, a manifest, or an image; local, or on an object store.
        root: as `list_images` takes it.
        layout: as `list_images` takes it.

    Raises:
        StoreAwayError, InputError: see `list_images`.
    """
    if PurePosixPath(location).suffix.lower() in IMAGE_SUFFIXES and _is_file(location):
        if root is not None:
            raise InputError(f"--input_root is for manifests, and {location} is an image")
        return _prefixed(name_images([location]), layout)
    return list_images(location, root, layout)


def root_of(location: str, root: str | None = None) -> str:
    """The folder, or the prefix on a store, that all images of an input lie in.

    Args:
        location: as `list_images` takes it.
        root: as `list_images` takes it.
    """
    if is_pattern(location):
        return above_all(files_of(location))
    if is_remote(location):
        place = parse_place(location)
        above: Path | Place = place.folder if _is_input_file(place.name) else place
    else:
        path = Path(location).absolute()
        above = path if path.is_dir() else path.parent
    above = above if root is None else _root(root)
    return above.uri if isinstance(above, Place) else str(above)


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


def _list_local(location: str, root: str | None, layout: Layout) -> list[ImageRef]:
    path = Path(location).absolute()
    if is_delta_table(path):
        return list_delta(path, None if root is None else _root(root), layout)
    _refuse_version(layout, location)
    if path.is_dir():
        _refuse_root(root, location)
        found, passed = find_in_folder(path, layout)
        described = list_described(path, passed, [parts for parts, _ in found], layout)
        passed.tell(str(path))
        if found and described is None:
            _refuse_columns(layout, location)
        refs = described or arrange(str(path), found, ref_of_entry, layout)
        return refs or _list_holding(str(path), files_below(path, HOLDING), layout)
    if not path.is_file():
        raise InputError(f"no folder or manifest at {location}")
    if _holds_images(str(path), layout):
        _refuse_root(root, location)
        return _list_holding(str(path.parent), [str(path)], layout)
    if _suffix(path.name) in IMAGE_SUFFIXES:
        raise InputError(f"{location} is one image; name the folder that it is in, or a manifest")
    if not manifest_suffix(path.name):
        raise InputError(_no_input(path.name, location))
    return list_manifest(str(path), path.parent if root is None else _root(root), layout)


def _prefixed(refs: list[ImageRef], layout: Layout) -> list[ImageRef]:
    if not layout.id_prefix:
        return refs
    return [replace(ref, image_id=layout.id_prefix + ref.image_id) for ref in refs]


def _is_file(location: str) -> bool:
    try:
        if is_remote(location):
            return stat_of(parse_place(location)) is not None
    except StoreAwayError:
        raise
    except StoreError as error:
        raise InputError(str(error)) from error
    return Path(location).is_file()


def _list_remote(location: str, root: str | None, layout: Layout) -> list[ImageRef]:
    place = parse_place(location)
    require_store(place)
    is_file = _is_input_file(place.name) and stat_of(place) is not None
    if not is_file and is_delta_table(place):
        return list_delta(place, None if root is None else _root(root), layout)
    _refuse_version(layout, location)
    if is_file and not _holds_images(place.uri, layout):
        return list_manifest(place.uri, place.folder if root is None else _root(root), layout)
    _refuse_root(root, location)
    if is_file:
        return _list_holding(place.folder.uri, [place.uri], layout)
    found, passed = find_below(place, layout)
    described = list_described(place, passed, [parts for parts, _ in found], layout)
    passed.tell(place.uri)
    if found and described is None:
        _refuse_columns(layout, location)
    refs = described or arrange(place.uri, found, partial(ref_of_object, place), layout)
    return refs or _list_holding(place.uri, files_below(place, HOLDING), layout)


def _list_pattern(pattern: str, root: str | None, layout: Layout) -> list[ImageRef]:
    _refuse_version(layout, pattern)
    _refuse_root(root, pattern)
    files = files_of(pattern)
    for file in files:
        if _suffix(file) not in HOLDING:
            raise InputError(_no_input(file, file))
    return _list_holding(above_all(files), files, layout)


def _list_holding(root: str, files: Sequence[str], layout: Layout) -> list[ImageRef]:
    packed = [file for file in files if _suffix(file) in PACKED_SUFFIXES]
    if packed and len(packed) < len(files):
        raise InputError(
            f"{root} holds archives and files with columns; name those that are meant by a "
            "pattern, as '*.tar'"
        )
    return list_packed(root, files, layout) if packed else list_columns(root, files, layout)


def _holds_images(file: str, layout: Layout) -> bool:
    # A Parquet file may as well be a manifest.
    if _suffix(file) in MANIFEST_SUFFIXES & BYTES_SUFFIXES:
        return holds_images(file, layout)
    return _suffix(file) in HOLDING


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _refuse_root(root: str | None, location: str) -> None:
    if root is not None:
        raise InputError(f"--input_root is for manifests, and {location} is none")


def _refuse_version(layout: Layout, location: str) -> None:
    if layout.version is not None:
        raise InputError(f"--input_version is for Delta tables, and {location} is none")


def _refuse_columns(layout: Layout, location: str) -> None:
    for name in layout.columns:
        raise InputError(
            f"--{name}_column is for files that name images, and {location} is a folder"
        )


def _is_input_file(name: str) -> bool:
    return bool(manifest_suffix(name)) or _suffix(name) in HOLDING


def _no_input(name: str, location: str) -> str:
    if name.lower().endswith(COMPRESSED):
        return (
            f"{location} is compressed as a whole, so no image of it can be read alone; "
            "decompress it (gunzip, unxz, unzstd) and give the .tar"
        )
    known = ", ".join(sorted(MANIFEST_SUFFIXES | HOLDING))
    return f"{location} is no folder, and other inputs end in one of {known}"


def _root(root: str) -> Path | Place:
    if is_remote(root):
        return parse_place(root)
    folder = Path(root).absolute()
    if not folder.is_dir():
        raise InputError(f"--input_root {root}: no such folder")
    return folder
