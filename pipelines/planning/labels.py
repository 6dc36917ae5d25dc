"""What an input says of labels, told before the work begins: a training would find out after it."""

from collections.abc import Iterable

from pipelines.cli import log
from pipelines.records import ImageRef, labels_of


def tell_labels(refs: Iterable[ImageRef]) -> None:
    """Say of an input that no head can be trained on it, for want of labels or of a second one.

    Args:
        refs: all its images.
    """
    labels: set[str | None] = set()
    for ref in refs:
        labels.update(labels_of(ref.label) or (ref.label,))
        if len(labels) > 2:
            return
    named = sorted(label for label in labels if label is not None)
    if not named:
        log(
            "no image has a label; a training needs them, from folders split/label/image or "
            "label/image, or from a manifest's column label"
        )
    elif len(named) == 1:
        log(f"the only label is {named[0]!r}: training needs two or more")
