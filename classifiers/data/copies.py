"""Which rows of a set are of one image: the image's own and those of its augmented copies."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True)
class ImageRows:
    """Where the rows of each image lie, in a set sorted by image and copy.

    Attributes:
        first: int64 (images,), place of the image's own row.
        count: int64 (images,), its rows; they follow each other.
    """

    first: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]

    def draw(self, random: np.random.Generator) -> npt.NDArray[np.int64]:
        """One row of each image, int64 (images,), each of an image's rows as likely as another."""
        chosen: npt.NDArray[np.int64] = self.first + random.integers(0, self.count)
        return chosen


def image_rows(keys: pa.Table) -> ImageRows | None:
    """Find the rows of each image; None where no image has a copy.

    Args:
        keys: columns `image_id` and `copy`, ascending by both.
    """
    if not pc.max(keys.column("copy")).as_py():
        return None
    ids = keys.column("image_id").combine_chunks()
    begins = pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    first = np.concatenate([[0], np.flatnonzero(begins) + 1]).astype(np.int64)
    return ImageRows(first, np.diff(np.append(first, len(ids))))
