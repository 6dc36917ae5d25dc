"""The images that are tried: a sample of the input, with as large a share of every class."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from pipelines.errors import UsageError
from pipelines.records import ImageRef


def draw_sample(refs: Sequence[ImageRef], images: int, seed: int) -> list[ImageRef]:
    """Draw images so that every class keeps its share, rounded up.

    Which ones depends on their ids and the seed alone.

    Args:
        refs: all images, with labels.
        images: how many are wanted; all where there are not more.
        seed: of the draw.

    Returns:
        The images, ascending by id.
    """
    classes: dict[str | None, list[ImageRef]] = defaultdict(list)
    for ref in refs:
        classes[ref.label].append(ref)
    drawn = []
    for members in classes.values():
        members.sort(key=lambda ref: hashlib.sha256(f"{seed} {ref.image_id}".encode()).digest())
        drawn += members[: -(-images * len(members) // len(refs))]
    return sorted(drawn, key=lambda ref: ref.image_id)


def labelled(refs: Sequence[ImageRef], split: str, where: str) -> list[ImageRef]:
    """The images of a split that have a label.

    Raises:
        UsageError: they have fewer than two classes.
    """
    found = [ref for ref in refs if ref.split == split and ref.label is not None]
    if not found:
        splits = ", ".join(sorted({ref.split for ref in refs}))
        raise UsageError(
            f"no image of split {split!r} of {where} has a label; there are images in {splits}; "
            "name a split with --split"
        )
    if len({ref.label for ref in found}) < 2:
        raise UsageError(
            f"all images of split {split!r} of {where} have the label {found[0].label!r}; features "
            "are chosen by how well they tell classes apart"
        )
    return found
