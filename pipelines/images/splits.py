"""Which split an image belongs to when the input does not say."""

import hashlib
import re

TRAIN, VALIDATION, TEST = "train", "validation", "test"
UNLABELLED = "unlabelled"

_ROOTS = {
    TRAIN: ("train(ing)?",),
    VALIDATION: ("val", "valid", "validate", "validation", "dev(elopment)?", "eval(uation)?"),
    TEST: ("test(ing)?", "holdout"),
}
_SET = "(sets?|data|images?|imgs?|pictures|photos|split|folder)*"
"""What people add to a split's name: training_set, test-images, Train Data."""


def split_meant(name: str) -> str | None:
    """Which split a name is hardly ever anything but; None for any other name.

    Case, numbers and what stands between words say nothing: val2017, Test_1, TRAIN-SET.
    """
    plain = re.sub(r"[\W_\d]", "", name.lower())
    matches = (
        s for s, roots in _ROOTS.items() if re.fullmatch(f"({'|'.join(roots)}){_SET}", plain)
    )
    return next(matches, None)


def split_of(image_id: str, label: str | None) -> str:
    """The split of an image whose input names none: 80 % train, 10 % validation, 10 % test.

    The choice depends on the id alone, so an image keeps its split whatever is added around it.
    An unlabelled image cannot be trained on and goes to the split "unlabelled".
    """
    if label is None:
        return UNLABELLED
    digest = hashlib.sha256(image_id.encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < 0.8:
        return TRAIN
    return VALIDATION if place < 0.9 else TEST
