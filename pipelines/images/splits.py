"""Which split an image belongs to when the input does not say."""

import hashlib

TRAIN, VALIDATION, TEST = "train", "validation", "test"
UNLABELLED = "unlabelled"
NAMED_SPLITS = frozenset({TRAIN, VALIDATION, TEST})
SPLIT_SPELLINGS = NAMED_SPLITS | {
    *("training", "trainset", "train_set"),
    *("val", "valid", "validate", "valset", "dev", "development", "eval", "evaluation"),
    *("testing", "testset", "test_set", "holdout"),
}
"""How people call splits, in lower case: hardly ever a class."""


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
