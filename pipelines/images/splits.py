"""Which split an image belongs to, and how people call splits."""

import hashlib
import re
from collections.abc import Collection
from functools import cache, lru_cache

from pipelines.cli import few, log
from pipelines.images.layout import BY_ID, STRATIFIED

TRAIN, VALIDATION, TEST = "train", "validation", "test"
UNLABELLED = "unlabelled"
UNDECIDED = ""
"""Stands for a split until all images are known."""

_ROOTS = {
    TRAIN: ("train(ing)?",),
    VALIDATION: ("val", "valid", "validate", "validation", "dev(elopment)?", "eval(uation)?"),
    TEST: ("test(ing)?", "holdout"),
}
_SET = "(sets?|data|images?|imgs?|pictures|photos|split|folder)*"
"""What people add to a split's name: training_set, test-images, Train Data."""

SHOWN = 6


@cache
def split_meant(name: str) -> str | None:
    """Which split a name is hardly ever anything but; None for any other name.

    Case, numbers and what stands between words say nothing: val2017, Test_1, TRAIN-SET.
    """
    plain = re.sub(r"[\W_\d]", "", name.lower())
    matches = (
        s for s, roots in _ROOTS.items() if re.fullmatch(f"({'|'.join(roots)}){_SET}", plain)
    )
    return next(matches, None)


@lru_cache(maxsize=1024)  # millions of images have a few splits
def split_named(name: str) -> str:
    """Our name of a split that an input calls so; its own where it is no spelling of ours.

    A year makes no difference, but any other number may tell one part from another: "train 1".
    """
    numbers = re.findall(r"\d+", name)
    others = [each for each in numbers if not re.fullmatch("(19|20)[0-9]{2}", each)]
    return name if others or len(numbers) > 1 else split_meant(name) or name


def tell_renamed(where: str, names: Collection[str]) -> None:
    """Say once which of an input's splits are taken for ours under another name."""
    renamed = [name for name in sorted(names) if split_named(name) != name]
    if renamed:
        said = [f"{name!r} is taken for {split_named(name)!r}" for name in renamed]
        log(f"of the splits of {where}, {few(said, SHOWN)}")


def split_of(
    image_id: str, label: str | None, group: str | None = None, split_by: str | None = None
) -> str:
    """The split of an image whose input names none: 80 % train, 10 % validation, 10 % test.

    The choice depends on the id alone, or on the group, so an image keeps its split whatever is
    added around it. An unlabelled image cannot be trained on and goes to the split "unlabelled".

    Args:
        image_id: its id.
        label: its label.
        group: its group; None where it has none.
        split_by: as in `Layout`.

    Returns:
        A split; `UNDECIDED` where it depends on the other images, which `stratify` looks at.
    """
    if label is None:
        return UNLABELLED
    if split_by == STRATIFIED:
        return UNDECIDED
    return split_of_key(image_id if group is None or split_by == BY_ID else group)


def split_of_key(key: str) -> str:
    """The split of whatever has this id."""
    digest = hashlib.sha256(key.encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < 0.8:
        return TRAIN
    return VALIDATION if place < 0.9 else TEST
