"""Whether two tables say the same of the same images."""

from collections.abc import Sequence

import pyarrow.compute as pc

from classifiers.data.columns import read_columns
from classifiers.data.label_sets import read_label_sets
from classifiers.data.row_groups import SplitRows
from pipelines.errors import TableError


def require_agreement(mine: SplitRows, theirs: SplitRows) -> None:
    """Refuse rows of the same images of which two tables say something else.

    A label that the other table does not have is nothing that it says.

    Args:
        mine: rows of the first table.
        theirs: those of another, in the same order.

    Raises:
        TableError: an image has another split, label or content there, or other copies.
    """
    for what, one, other in (
        ("split", mine.keys["split"], theirs.keys["split"]),
        ("label", mine.keys["label"], theirs.keys["label"]),
    ):
        _refuse_others(mine, theirs, what, one.to_pylist(), other.to_pylist())
    sets = [
        [None if each is None else tuple(sorted(each)) for each in found.lists.to_pylist()]
        for found in map(read_label_sets, (mine, theirs))
    ]
    _refuse_others(mine, theirs, "labels", *sets)
    content = [read_columns(each, ["sha256"])["sha256"].to_pylist() for each in (mine, theirs)]
    _refuse_others(mine, theirs, "content", *content)
    copies = pc.max(mine.keys["copy"]).as_py()
    if copies and mine.table.augmentation != theirs.table.augmentation:
        raise TableError(
            f"the copies of images in {mine.table.uri} and {theirs.table.uri} were augmented in "
            "different ways, so that they are of other pixels; --copies 0 leaves them out"
        )


def _refuse_others(
    mine: SplitRows, theirs: SplitRows, what: str, one: Sequence[object], other: Sequence[object]
) -> None:
    differing = [
        place
        for place, (a, b) in enumerate(zip(one, other, strict=True))
        if a != b and b is not None
    ]
    if not differing:
        return
    place = differing[0]
    shown = "" if what == "content" else f" ({one[place]!r} and {other[place]!r})"
    raise TableError(
        f"{len(differing):,} images have another {what} in {theirs.table.uri} than in "
        f"{mine.table.uri}, {mine.keys['image_id'][place].as_py()!r} for one{shown}; extract the "
        "same images into both"
    )
