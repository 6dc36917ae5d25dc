"""Images to measure on: from everywhere in the input, each with its copies."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from pipelines.records import ImageRef


def spread_images(refs: Sequence[ImageRef], count: int) -> list[list[ImageRef]]:
    """About `count` rows of images that are evenly spread, an image's copies together.

    Args:
        refs: the images and copies, at least one, those of an image one after the other.
        count: of rows; all there are when they are fewer.
    """
    images = [list(rows) for _, rows in itertools.groupby(refs, attrgetter("image_id"))]
    wanted = max(1, round(len(images) * min(1.0, count / len(refs))))
    last = len(images) - 1
    return [images[place * last // max(1, wanted - 1)] for place in range(wanted)]


def repeat_images(refs: Sequence[ImageRef], count: int) -> list[ImageRef]:
    """`count` rows of such images, each time it comes under a new name, names ascending."""
    again = enumerate(itertools.cycle(spread_images(refs, count)))
    rows = (replace(ref, image_id=f"{number:09d}") for number, image in again for ref in image)
    return list(itertools.islice(rows, count))
