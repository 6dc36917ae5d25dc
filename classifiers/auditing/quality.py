"""The pictures behind the rows, where they can be opened: which are poor, and which are gone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.auditing.pictures import MEASURED, Look, look_at
from classifiers.auditing.rows import AuditedRows
from pipelines.errors import ImageError
from pipelines.images.decode import PixelSpec, decode_image
from pipelines.images.loading import read_image
from pipelines.images.manifest import Fence
from pipelines.records import Failure, ImageRef
from pipelines.stores.reading import MAX_IMAGE_BYTES
from pipelines.system.cores import usable_cores
from pipelines.system.threads import map_ahead
from pipelines.table.stored import StoredImage
from pipelines.table.whereabouts import images_of_rows

GREY_AMONG_COLOUR = "grey"

NOT_ALLOWED = "it is not in a folder that this user extracted; --allow_uri names one to open"
NOWHERE = "the table does not say where it is"


@dataclass(frozen=True, slots=True)
class PoorPicture:
    """A picture that is poor.

    Attributes:
        image_id: the image.
        faults: of dark, bright, flat, blurred, long, tiny, grey.
        look: what was measured.
    """

    image_id: str
    faults: tuple[str, ...]
    look: Look


@dataclass(frozen=True, slots=True)
class Unopened:
    """An image that could not be looked at.

    Attributes:
        image_id: the image.
        why: what was in the way, in a line.
    """

    image_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Quality:
    """What was seen of the pictures.

    Attributes:
        opened: how many were looked at.
        poor: those with faults, those with most first.
        unopened: what could not be looked at.
    """

    opened: int
    poor: tuple[PoorPicture, ...]
    unopened: tuple[Unopened, ...]


def look_at_rows(
    rows: AuditedRows, most: int | None, seed: int, allowed: Sequence[Fence]
) -> Quality:
    """Open the images of rows and measure them.

    Args:
        rows: the images.
        most: how many, drawn at random; None for all.
        seed: of the draw.
        allowed: folders whose images may be opened, besides the one that this user extracted.
    """
    places = np.arange(len(rows.ids))
    if most is not None and most < len(places):
        places = np.sort(np.random.default_rng(seed).choice(places, most, replace=False))
    named = {rows.ids[place]: _stored(rows, place) for place in places.tolist()}
    without = [Unopened(name, NOWHERE) for name in named if not named[name]]
    placed = {name: row for name, row in named.items() if row is not None}
    refs, _ = images_of_rows(rows.table, placed, allowed)
    told = {ref.image_id for ref in refs}
    unopened = [*without, *(Unopened(name, NOT_ALLOWED) for name in placed if name not in told)]
    orientation = rows.table.contract.orientation
    spec = PixelSpec(MEASURED, "bilinear", orientation)
    looks: dict[str, Look] = {}
    cores = usable_cores()
    for ref, found in map_ahead(lambda ref: (ref, _look(ref, spec)), refs, cores, 4 * cores):
        if isinstance(found, Look):
            looks[ref.image_id] = found
        else:
            unopened.append(Unopened(ref.image_id, found))
    return Quality(len(looks), tuple(_poor(looks)), tuple(unopened))


def _stored(rows: AuditedRows, place: int) -> StoredImage | None:
    uri = rows.uris[place]
    if uri is None:
        return None
    label, split, sha256 = rows.labels[place], rows.splits[place], rows.sha256[place]
    return StoredImage("", uri, label, split, sha256, 0, 0)


def _look(ref: ImageRef, spec: PixelSpec) -> Look | str:
    read = read_image(ref, MAX_IMAGE_BYTES)
    if isinstance(read, Failure):
        return read.message
    try:
        return look_at(decode_image(read.data, spec))
    except (ImageError, MemoryError) as error:
        return str(error)


def _poor(looks: dict[str, Look]) -> list[PoorPicture]:
    grey = [name for name, look in looks.items() if look.grey]
    odd = {*grey} if 2 * len(grey) < len(looks) else set()
    found = []
    for name, look in looks.items():
        faults = (*look.faults, *((GREY_AMONG_COLOUR,) if name in odd else ()))
        if faults:
            found.append(PoorPicture(name, faults, look))
    return sorted(found, key=lambda each: (-len(each.faults), each.faults, each.image_id))
