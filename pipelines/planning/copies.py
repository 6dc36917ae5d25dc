"""Which rows an input asks for: its images, and augmented copies of those that are trained on."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pyarrow as pa

from pipelines.contract import Augmentation
from pipelines.images.splits import split_named
from pipelines.records import ImageRef
from pipelines.system.garbage import collector_paused
from pipelines.table.copy_numbers import highest_copies


@collector_paused()
def rows_wanted(
    images: Mapping[str, ImageRef],
    copies: int,
    policy: Augmentation,
    held: Mapping[str, int],
) -> Mapping[str, ImageRef]:
    """The rows that a table of some images should have.

    An image of the policy's split keeps as many copies as the table holds of it, so that a run
    that asks for fewer, or for none, leaves none behind that is out of date.

    Args:
        images: the input, by image id.
        copies: copies wanted of each image of the policy's split.
        policy: which split has copies.
        held: by image id, copies that the table holds.

    Returns:
        By name, the images and their copies; an image's copies follow it, ascending.
    """
    if not copies and not held:
        return images
    # A policy may be of a time when an input's own names of splits were kept.
    trained_on = split_named(policy.split)
    rows: dict[str, ImageRef] = {}
    for image_id, ref in images.items():
        rows[image_id] = ref
        if ref.split == trained_on:
            for number in range(1, max(copies, held.get(image_id, 0)) + 1):
                copy = replace(ref, copy=number)
                rows[copy.name] = copy
    return rows


def short_of_copies(rows: Iterable[ImageRef], split: str) -> tuple[int, int]:
    """How many images have fewer copies than another has.

    Args:
        rows: images and their copies.
        split: whose images are looked at.

    Returns:
        Images that are short of copies, and the most copies that an image has.
    """
    trained_on = split_named(split)
    most: dict[str, int] = {}
    for ref in rows:
        if ref.split == trained_on:
            most[ref.image_id] = max(ref.copy, most.get(ref.image_id, 0))
    wanted = max(most.values(), default=0)
    return sum(count < wanted for count in most.values()), wanted


def copies_held(keys: pa.Table) -> dict[str, int]:
    """The highest number of a copy of each image that has any.

    Args:
        keys: what `FeatureTable.keys` gives.

    Raises:
        TableError: see `highest_copies`.
    """
    highest = highest_copies(keys)
    return dict(zip(highest["image_id"].to_pylist(), highest["copy"].to_pylist(), strict=True))
