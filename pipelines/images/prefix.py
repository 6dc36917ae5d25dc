"""Images on an object store: below a prefix that stands for a folder, or named one by one."""

import posixpath
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from pipelines.images.arranging import Parts
from pipelines.images.kinds import is_named_as_image, may_be_image
from pipelines.images.layout import PLAIN, Layout
from pipelines.images.passed_over import PassedOver
from pipelines.images.stat_data import ref_without_stat
from pipelines.outputs import INSIDES
from pipelines.records import ImageRef
from pipelines.stores.objects import ObjectStat, list_objects, stat_of_many
from pipelines.stores.places import Place, parse_place

Found = tuple[Parts, ObjectStat]
"""An object, and the names of the folders between the prefix and it, and its own."""

LOOKING_THREADS = 16
"""Objects looked into at once: a store answers after tens of milliseconds."""

TICK = 1_000_000
"""Microseconds that pass before a store's time of change shows another value."""


def find_below(root: Place, layout: Layout = PLAIN) -> tuple[list[Found], PassedOver]:
    """Find the images below a prefix as `find_in_folder` does those of a folder.

    Their stat data come with the listing; only those that are looked into are asked for one by one.

    Raises:
        StoreError: the store does not list it.
    """
    passed = PassedOver()
    found = _images(root, passed, layout.any_suffix)
    passed.taken = len(found)
    return found, passed


def ref_of_object(
    root: Place, image_id: str, stat: ObjectStat, label: str | None, split: str
) -> ImageRef:
    """The reference of an image that was found below a prefix."""
    return _ref(image_id, root.at(stat.key).uri, label, split, stat)


def refs_with_stat(rows: Sequence[tuple[str, str, str | None, str]]) -> list[ImageRef]:
    """Inputs that were named one by one, with the stat data their objects have now.

    Args:
        rows: id, URI, label and split of each, all in one bucket.

    Raises:
        StoreError: the store does not say.
    """
    if not rows:
        return []
    places = [parse_place(uri) for _, uri, _, _ in rows]
    common = posixpath.commonpath([f"/{each.folder.key}" for each in places]).lstrip("/")
    stat = stat_of_many(places[0].at(common), {each.key for each in places})
    return [_ref(*row, stat.get(place.key)) for row, place in zip(rows, places, strict=True)]


class PrefixFence:
    """Places paths below a prefix and finds those that lead out of it."""

    def __init__(self, root: Place) -> None:
        self._root = root

    def locate(self, path: str) -> str | None:
        """The URI that a relative path or a URI means; None when it is outside the root."""
        root = self._root
        if "://" in path:
            whole = root.at("").uri + "/"
            if not path.startswith(whole):
                return None
            path = path.removeprefix(whole)
        elif path.startswith("/"):
            return None
        else:
            path = f"{root.key}/{path}"
        place = root.at(posixpath.normpath(path.lstrip("/")))
        leads_out = place.key.partition("/")[0] == ".."
        return None if leads_out or not root.below(place.key) else place.uri

    def complaint(self, path: str) -> str:
        """See `Fence.complaint`."""
        return (
            f"{path!r}, which is outside {self._root.uri}; "
            "name a prefix above all images with --input_root"
        )


def _images(root: Place, passed: PassedOver, any_suffix: bool) -> list[Found]:
    found: list[Found] = []
    others: list[Found] = []
    for page in list_objects(root):
        for stat in page:
            # A folder's own marker, which some tools make, lies below nothing.
            parts = tuple((root.below(stat.key) or "").split("/"))
            if not parts[-1] or any(part.startswith(".") for part in parts):
                continue
            for place, part in enumerate(parts):
                if part in INSIDES:
                    passed.folders["/".join(parts[:place])] = INSIDES[part]
            (found if is_named_as_image(parts[-1]) else others).append((parts, stat))
    found, others = _outside(found, passed.folders), _outside(others, passed.folders)
    if any_suffix:
        uris = [root.at(stat.key).uri for _, stat in others]
        with ThreadPoolExecutor(LOOKING_THREADS, thread_name_prefix="look") as threads:
            images = list(threads.map(may_be_image, uris))
        found += [each for each, image in zip(others, images, strict=True) if image]
        others = [each for each, image in zip(others, images, strict=True) if not image]
    for parts, _ in others:
        passed.file(parts)
    return found


def _outside(found: Sequence[Found], folders: Collection[str]) -> list[Found]:
    return [(parts, stat) for parts, stat in found if not _lies_in(parts, folders)]


def _lies_in(parts: Parts, folders: Collection[str]) -> bool:
    above = ("/".join(parts[:place]) for place in range(len(parts)))
    return bool(folders) and any(folder in folders for folder in above)


def _ref(
    image_id: str, uri: str, label: str | None, split: str, stat: ObjectStat | None
) -> ImageRef:
    if stat is None:  # reading it becomes a recorded failure
        return ref_without_stat(image_id, uri, label, split)
    # No client can set an object's time, but within one tick a second change would not show.
    changed = stat.modified + TICK - 1
    return ImageRef(image_id, uri, label, split, stat.bytes, stat.modified, changed)
