"""Where the images of rows are, and which may be opened: a table may name any place there is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pipelines.images.manifest import Fence
from pipelines.images.roots import fence_around_root, signed_roots
from pipelines.images.stat_data import ref_without_stat
from pipelines.records import ImageRef, copy_of, image_of, shown_name
from pipelines.redaction import redacted
from pipelines.stores.members import Member
from pipelines.table.feature_table import FeatureTable
from pipelines.table.notes import Unchecked
from pipelines.table.stored import StoredImage

OPEN_IT = "name the images with --input, or a folder that may be opened with --allow_uri"
NO_ROOT = f"the table does not say, signed by this user, which folder was extracted; {OPEN_IT}"


def images_of_rows(
    table: FeatureTable, rows: Mapping[str, StoredImage], allowed: Sequence[Fence]
) -> tuple[list[ImageRef], list[Unchecked]]:
    """The images that rows were made from, where they may be opened.

    Args:
        table: whose log says which folders this user extracted.
        rows: by name.
        allowed: other folders whose images may be opened.

    Returns:
        Images and copies that may be opened, and why others may not.
    """
    fences = _fences(table, allowed)
    if not fences and rows:
        return [], [Unchecked("features", NO_ROOT)]
    refs, notes = [], []
    for name, row in rows.items():
        uri = _place(fences, row.uri)
        if uri is None:
            why = f"{redacted(row.uri)!r} is not in the folder that was extracted; {OPEN_IT}"
            notes.append(Unchecked(shown_name(name), why))
        else:
            ref = ref_without_stat(image_of(name), uri, row.label, row.split)
            refs.append(replace(ref, copy=copy_of(name)))
    return refs, notes


def openable(table: FeatureTable, uris: Iterable[str], allowed: Sequence[Fence]) -> dict[str, str]:
    """Where images are that rows name, of those that may be opened.

    Args:
        table: whose log says which folders this user extracted.
        uris: of its rows.
        allowed: other folders whose images may be opened.

    Returns:
        By the row's own `uri`, the place to open.
    """
    fences = _fences(table, allowed)
    places = {uri: _place(fences, uri) for uri in uris}
    return {uri: place for uri, place in places.items() if place is not None}


def _fences(table: FeatureTable, allowed: Sequence[Fence]) -> list[Fence]:
    return [*allowed, *(fence_around_root(root) for root in signed_roots(table.history()))]


def _place(fences: Sequence[Fence], uri: str) -> str | None:
    return next(filter(None, (_located(fence, uri) for fence in fences)), None)


def _located(fence: Fence, uri: str) -> str | None:
    member = Member.of(uri)
    if member is None:
        return fence.locate(uri)
    file = fence.locate(member.file)
    return None if file is None else replace(member, file=file).uri
