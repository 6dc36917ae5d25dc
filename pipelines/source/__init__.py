"""Where images come from: a folder or a manifest becomes a sorted list of `ImageRef`."""

import itertools
from pathlib import Path

from pipelines.collector import collector_paused
from pipelines.errors import InputError
from pipelines.records import ImageRef
from pipelines.source.folder import list_folder
from pipelines.source.manifest import MANIFEST_SUFFIXES, list_manifest


@collector_paused()
def list_images(location: str, root: str | None = None) -> list[ImageRef]:
    """List the images of a folder or a manifest, ascending by `image_id`.

    Args:
        location: a folder (`split/label/image`, `label/image` or flat), or a manifest file.
        root: the folder that a manifest's paths are relative to and must lie in; its own folder
            when None.

    Raises:
        InputError: there is no such folder or file, it holds no image, or it contradicts itself.
    """
    if "://" in location:
        raise InputError(f"cannot read {location}: the input must be a local folder or manifest")
    if not location:
        raise InputError("the input is empty; name a folder or a manifest with --input")
    path = Path(location).absolute()
    if path.is_dir():
        if root is not None:
            raise InputError(f"--input_root is for manifests, and {location} is a folder")
        refs = list_folder(path)
    elif path.is_file():
        if path.suffix.lower() not in MANIFEST_SUFFIXES:
            known = ", ".join(sorted(MANIFEST_SUFFIXES))
            raise InputError(f"{location} is no folder, and a manifest ends in one of {known}")
        base = path.parent if root is None else Path(root).absolute()
        if not base.is_dir():
            raise InputError(f"--input_root {root}: no such folder")
        refs = list_manifest(path, base)
    else:
        raise InputError(f"no folder or manifest at {location}")
    if not refs:
        raise InputError(f"no images in {location}")
    refs.sort(key=lambda ref: ref.image_id)
    for one, next_one in itertools.pairwise(refs):
        if one.image_id == next_one.image_id:
            raise InputError(
                f"two files of {location} have the id {one.image_id!r}, because one's name is not "
                "UTF-8; rename it"
            )
    return refs
