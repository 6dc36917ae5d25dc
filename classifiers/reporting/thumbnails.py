"""Small pictures of images, as they are put into a page."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from classifiers.data.images import shown_failure
from pipelines.cli import log
from pipelines.images.decode import PixelSpec
from pipelines.images.loading import load_images
from pipelines.images.manifest import Fence
from pipelines.records import Failure
from pipelines.system.cores import usable_cores
from pipelines.table.feature_table import FeatureTable
from pipelines.table.stored import StoredImage
from pipelines.table.whereabouts import images_of_rows

SIDE = 80
"""Pixels; squeezed into a square, as the base sees the image."""

QUALITY = 60

NOT_OPENED = (
    "a table may name any place, and these images are not in a folder that this user extracted; "
    "--allow_uri names one whose images may be opened"
)

AHEAD = 64


@dataclass
class Thumbnails:
    """Pictures of images, and why others have none.

    Attributes:
        pictures: WebP in base64, by image id.
        missing: how many images have none.
        why: of the first image that has none, or of all that may not be opened; None if all have.
    """

    pictures: dict[str, str] = field(default_factory=dict)
    missing: int = 0
    why: str | None = None

    def miss(self, why: str, many: int = 1) -> None:
        """Note images without a picture."""
        self.missing += many
        self.why = self.why or why


def thumbnails(
    table: FeatureTable, ids: Sequence[str], allowed: Sequence[Fence], most_bytes: int
) -> Thumbnails:
    """Draw images small; one that cannot be read or decoded has none, and nothing else suffers.

    Args:
        table: their table, which says where they are.
        ids: of images, the most important first.
        allowed: folders whose images may be opened, besides those that this user extracted.
        most_bytes: of all pictures; images that come after that are missing.
    """
    made = Thumbnails()
    rows = _rows(table, ids)
    wanted = {each: rows[each] for each in ids if each in rows}
    # Of images without a place nothing can be said but that.
    refs, refused = images_of_rows(table, wanted, allowed)
    if refused:
        made.miss(NOT_OPENED, len(wanted) - len(refs))
    pixels = PixelSpec(SIDE, "bilinear", table.contract.orientation)
    left = most_bytes
    for drawn, each in enumerate(load_images(refs, pixels, usable_cores(), AHEAD), 1):
        if isinstance(each, Failure):
            made.miss(shown_failure(each))
            continue
        picture = _encoded(each.pixels)
        left -= len(picture) + 3  # quotes and comma
        if left < 0:
            made.miss("the page would be larger than --max_bytes", len(refs) - drawn + 1)
            break
        made.pictures[each.source.ref.image_id] = picture
    if made.why:
        log(f"{made.missing} images have no picture in the page: {made.why}")
    return made


def _encoded(pixels: npt.NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=QUALITY, method=2)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _rows(table: FeatureTable, ids: Sequence[str]) -> dict[str, StoredImage]:
    names = ["image_id", "copy", "uri", "label", "split"]
    # Not by the copy, too: the log keeps no bounds of it, and Arrow then takes no row for one.
    chosen = pc.field("image_id").isin(pa.array(ids, pa.string()))
    with table.reading():
        found = table.dataset().to_table(columns=names, filter=chosen).to_pylist()
    return {
        row["image_id"]: StoredImage("", row["uri"] or "", row["label"], row["split"], "", 0, 0)
        for row in found
        if row["copy"] == 0
    }
