"""What a model's card says of deciding: its calibration, thresholds and sets of classes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from classifiers.models.isotonic import Curve, check_curves


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was fitted on images that a head was not trained on; each is None if not asked for.

    Attributes:
        split: the split that it was fitted on; with `folds` and nothing but a calibration, the
            split trained on.
        images: how many images of it.
        temperature: what logits are divided by.
        sigmoids: of a head without logits: slope and offset of each class's score, or of the
            second of two classes alone, whose sigmoid is a probability.
        criterion: how the thresholds were chosen, as `--threshold` took it.
        thresholds: by class name, the least log odds, or the least score of a head without
            probabilities, of which an image is taken for that class; None for a class that is
            never decided for.
        coverage: share of images whose set of classes is to hold the true one.
        least: a class is in an image's set from this uncalibrated log odds, or score, on.
        isotonic: a curve for each class's log odds or score, or for the second of two classes
            alone, whose value is a probability.
        folds: the calibration was fitted to what heads trained on the others of so many folds of
            the split trained on said of each; None if to `split`.
    """

    split: str
    images: int
    temperature: float | None = None
    sigmoids: tuple[tuple[float, float], ...] | None = None
    criterion: str | None = None
    thresholds: dict[str, float | None] | None = None
    coverage: float | None = None
    least: float | None = None
    isotonic: tuple[Curve, ...] | None = None
    folds: int | None = None

    @property
    def calibrates(self) -> bool:
        """Whether probabilities are other than the head's own."""
        return any(each is not None for each in (self.temperature, self.sigmoids, self.isotonic))


def check_decisions(found: Decisions, classes: Sequence[str]) -> None:
    """Hold decisions that a card was read with against the card's classes.

    Raises:
        ValueError: they contradict them, or themselves; one line says how.
    """
    if found.temperature is not None and not found.temperature > 0.0:
        raise ValueError(f"its temperature is {found.temperature}, which is not above 0")
    if found.temperature is not None and found.sigmoids is not None:
        raise ValueError("it has both a temperature and sigmoids")
    if found.isotonic is not None:
        if found.temperature is not None or found.sigmoids is not None:
            raise ValueError("it has both isotonic curves and a temperature or sigmoids")
        check_curves(found.isotonic, len(classes))
    wanted = 1 if len(classes) == 2 else len(classes)
    if found.sigmoids is not None and len(found.sigmoids) != wanted:
        raise ValueError(f"it has {len(found.sigmoids)} sigmoids for {len(classes)} classes")
    if found.thresholds is not None and set(found.thresholds) != set(classes):
        raise ValueError("its thresholds are not of its classes")
    if (found.coverage is None) != (found.least is None):
        raise ValueError("it has a coverage without the least score of a class in a set, or that")
    if found.coverage is not None and not 0.0 < found.coverage < 1.0:
        raise ValueError(f"its coverage is {found.coverage}, which is not between 0 and 1")
    numbers = [found.temperature, found.least, *(found.thresholds or {}).values()]
    numbers += [number for pair in found.sigmoids or () for number in pair]
    if not all(number is None or math.isfinite(number) for number in numbers):
        raise ValueError("its calibration or thresholds are no finite numbers")
