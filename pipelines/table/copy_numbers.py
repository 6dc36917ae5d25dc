"""Numbers of copies: a row may claim any, and a run makes all that there should be up to it."""

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import TableError

MOST_MISSING = 1_000
"""Copies that may be missing besides as many as there are rows: single copies fail, but rarely."""


def highest_copies(keys: pa.Table) -> pa.Table:
    """The images that have copies, and the highest number of a copy of each, as int64.

    Args:
        keys: columns `image_id` and `copy` of some rows, neither null.

    Returns:
        Columns `image_id` and `copy`.

    Raises:
        TableError: the numbers are none that copies of the images in these rows could have.
    """
    least = pc.min(keys["copy"]).as_py()
    if least is not None and least < 0:
        raise TableError(f"a row says that it is copy {least}; copies count from 1")
    copies = keys.filter(pc.greater(keys["copy"], 0))
    found = copies.group_by("image_id").aggregate([("copy", "max")])
    highest = pa.table({"image_id": found["image_id"], "copy": found["copy_max"].cast(pa.int64())})
    missing = (pc.sum(highest["copy"]).as_py() or 0) - copies.num_rows
    if missing > keys.num_rows + MOST_MISSING:
        worst = highest.sort_by([("copy", "descending")]).slice(0, 1).to_pylist()[0]
        raise TableError(
            f"a row says that it is copy {worst['copy']} of {worst['image_id']!r}, and there are "
            f"only {copies.num_rows} copies in all; pipelines.forget takes that image out"
        )
    return highest
