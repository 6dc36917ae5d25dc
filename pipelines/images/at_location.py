"""What lies at an input's location, and listing the images there by its kind."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from pipelines.errors import InputError
from pipelines.images.arranging import arrange
from pipelines.images.columns.delta import is_delta_table, list_delta
from pipelines.images.columns.files import BYTES_SUFFIXES, files_below
from pipelines.images.columns.listing import holds_images, list_columns
from pipelines.images.folder import find_in_folder, images_in
from pipelines.images.folder_listing import list_folder
from pipelines.images.huggingface import list_described
from pipelines.images.kinds import IMAGE_SUFFIXES
from pipelines.images.layout import Layout
from pipelines.images.manifest_files import MANIFEST_SUFFIXES, manifest_suffix
from pipelines.images.manifest_listing import list_manifest
from pipelines.images.packed.index import PACKED_SUFFIXES
from pipelines.images.packed.listing import list_packed
from pipelines.images.patterns import above_all, files_of, is_pattern
from pipelines.images.prefix import find_below, ref_of_object
from pipelines.records import ImageRef
from pipelines.stores.door import require_store
from pipelines.stores.objects import stat_of
from pipelines.stores.places import Place, is_remote, parse_place

COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
HOLDING = PACKED_SUFFIXES | BYTES_SUFFIXES
"""Of files that images lie in."""


def list_at(location: str, root: str | None, layout: Layout) -> Sequence[ImageRef]:
    """List the images at a location, in any order; none where none are found.

    Args:
        location: as `pipelines.images.listing.list_images` takes it.
        root: as `list_images` takes it.
        layout: as `list_images` takes it.

    Raises:
        StoreError: the store does not list them.
        InputError: there is no such folder or file, or it contradicts itself.
    """
    if is_pattern(location):
        return _list_pattern(location, root, layout)
    return (_list_remote if is_remote(location) else _list_local)(location, root, layout)


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


def _list_local(location: str, root: str | None, layout: Layout) -> Sequence[ImageRef]:
    path = Path(location).absolute()
    if is_delta_table(path):
        _refuse_stat(layout, location)
        return list_delta(path, None if root is None else _root(root), layout)
    _refuse_version(layout, location)
    if path.is_dir():
        _refuse_those_of_manifests(root, layout, location)
        found, passed = find_in_folder(path, layout)
        described = list_described(path, passed, (parts for parts, _ in images_in(found)), layout)
        passed.tell(str(path))
        if found and described is None:
            _refuse_columns(layout, location)
        refs = described or list_folder(str(path), found, layout)
        return refs or _list_holding(str(path), files_below(path, HOLDING), layout)
    if not path.is_file():
        raise InputError(f"no folder or manifest at {location}")
    if _holds_images(str(path), layout):
        _refuse_those_of_manifests(root, layout, location)
        return _list_holding(str(path.parent), [str(path)], layout)
    if _suffix(path.name) in IMAGE_SUFFIXES:
        raise InputError(_one_image(location))
    if not manifest_suffix(path.name):
        raise InputError(_no_input(path.name, location))
    return list_manifest(str(path), path.parent if root is None else _root(root), layout)


def _list_remote(location: str, root: str | None, layout: Layout) -> Sequence[ImageRef]:
    place = parse_place(location)
    require_store(place)
    is_file = _is_input_file(place.name) and stat_of(place) is not None
    if not is_file and is_delta_table(place):
        _refuse_stat(layout, location)
        return list_delta(place, None if root is None else _root(root), layout)
    _refuse_version(layout, location)
    if is_file and not _holds_images(place.uri, layout):
        return list_manifest(place.uri, place.folder if root is None else _root(root), layout)
    _refuse_those_of_manifests(root, layout, location)
    if is_file:
        return _list_holding(place.folder.uri, [place.uri], layout)
    found, passed = find_below(place, layout)
    described = list_described(place, passed, (parts for parts, _ in found), layout)
    passed.tell(place.uri)
    if found and described is None:
        _refuse_columns(layout, location)
    refs = described or arrange(place.uri, found, partial(ref_of_object, place), layout)
    return refs or _list_holding(place.uri, files_below(place, HOLDING), layout)


def _list_pattern(pattern: str, root: str | None, layout: Layout) -> list[ImageRef]:
    _refuse_version(layout, pattern)
    _refuse_those_of_manifests(root, layout, pattern)
    files = files_of(pattern)
    for file in files:
        if _suffix(file) in IMAGE_SUFFIXES:
            raise InputError(_one_image(file))
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


def _refuse_those_of_manifests(root: str | None, layout: Layout, location: str) -> None:
    if root is not None:
        raise InputError(f"--input_root is for manifests, and {location} is none")
    _refuse_stat(layout, location)


def _refuse_stat(layout: Layout, location: str) -> None:
    for name in layout.stat_columns:
        raise InputError(f"--{name}_column is for manifests, and {location} is none")


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


def _one_image(location: str) -> str:
    return f"{location} is one image; name the folder that it is in, or a manifest"


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
