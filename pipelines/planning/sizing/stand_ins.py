"""Pictures drawn to measure on, where there are no images yet."""

import io
import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.records import ImageRef
from pipelines.stores.members import place_of

DRAWN = 48
"""Pictures drawn; each stands for many images."""

QUALITY = 90
LEAST_SIDE = 16
ROUNDS = 4


def draw_stand_ins(folder: Path, image_bytes: int, number: int = DRAWN) -> Path:
    """Draw JPEG files of about a size: soft shapes with the grain of a photograph.

    Args:
        folder: to be filled.
        image_bytes: what a file is to hold; its height and width follow from that.
        number: how many.

    Returns:
        `folder`.
    """
    side = 256
    for _ in range(ROUNDS):  # larger pictures are smoother, so their bytes a pixel are fewer
        side = max(LEAST_SIDE, round(side * math.sqrt(image_bytes / len(_jpeg(0, side)))))
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(number):
        (folder / f"{seed:06d}.jpg").write_bytes(_jpeg(seed, side))
    return folder


def _jpeg(seed: int, side: int) -> bytes:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    soft = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    grainy = np.asarray(soft, np.int16) + random.integers(-4, 5, (side, side, 1), dtype=np.int16)
    file = io.BytesIO()
    Image.fromarray(grainy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def spread_images(refs: Sequence[ImageRef], count: int) -> list[list[ImageRef]]:
    """About `count` rows of images that are evenly spread, an image's copies together.

    Of what lies in a column, the first ones.

    Args:
        refs: the images and copies, at least one, those of an image one after the other.
        count: of rows; all there are when they are fewer.
    """
    images = [list(rows) for _, rows in itertools.groupby(refs, attrgetter("image_id"))]
    wanted = max(1, round(len(images) * min(1.0, count / len(refs))))
    places = {rows[0].image_id: place_of(rows[0].uri) for rows in images}
    if all(places.values()):  # a run reads them one after the other, and skips none
        return sorted(images, key=lambda rows: places[rows[0].image_id] or ())[:wanted]
    last = len(images) - 1
    return [images[place * last // max(1, wanted - 1)] for place in range(wanted)]


def repeat_images(refs: Sequence[ImageRef], count: int) -> list[ImageRef]:
    """`count` rows of such images, each time it comes under a new name, names ascending."""
    again = enumerate(itertools.cycle(spread_images(refs, count)))
    rows = (replace(ref, image_id=f"{number:09d}") for number, image in again for ref in image)
    return list(itertools.islice(rows, count))
