"""What a page is to be made of."""

from dataclasses import dataclass
from pathlib import Path

from classifiers.models.opening import ModelOrFolder
from pipelines.images.manifest import Fence

IMAGES = 2_000
"""Images on the map, if not said otherwise."""

MAX_BYTES = 20_000_000
"""Size of the page, if not said otherwise."""


@dataclass(frozen=True, slots=True)
class ReportJob:
    """A page that is wanted.

    Attributes:
        table: the table's location.
        table_version: an older version; the newest when None.
        models: that are measured and shown, heads on features of the table's contract.
        split: the split to measure on; "test" when None, or another held-out one that is there.
        audit: folder of an audit's findings; None without.
        images: on the map, at most.
        max_bytes: of the page, at most; pictures are left out for it.
        allowed: folders whose images may be opened, besides the one that this user extracted.
        seed: of the choice of images and of the map.
        output: the page's file; None for one in the table's folder, of this version.
    """

    table: str
    output: Path | None
    table_version: int | None = None
    models: tuple[ModelOrFolder, ...] = ()
    split: str | None = None
    audit: Path | None = None
    images: int = IMAGES
    max_bytes: int = MAX_BYTES
    allowed: tuple[Fence, ...] = ()
    seed: int = 0
