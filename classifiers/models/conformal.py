"""Sets of classes that hold the true one as often as is asked for: split conformal prediction."""

import math

import numpy as np
import numpy.typing as npt

from pipelines.errors import UsageError

Floats = npt.NDArray[np.float64]


def require_images(images: int, coverage: float) -> None:
    """Refuse a coverage that so few images cannot promise.

    Raises:
        UsageError: they are fewer than 1 / (1 - coverage) - 1.
    """
    if _missed(images, coverage) < 1:
        needed = math.ceil(round(1.0 / (1.0 - coverage), 9)) - 1
        raise UsageError(
            f"--coverage {coverage:g} takes {needed:,} images to validate on at least, and there "
            f"are {images:,}; lower it, or name a larger --validation_split"
        )


def fit_least(true: Floats, coverage: float) -> float:
    """From which score on a class is in an image's set (Papadopoulos et al. 2002).

    Of n images and a new one, all exchangeable, the new one's true class scores below the k-th
    lowest of n with a probability of k / (n + 1) at most; here k is floor((n + 1)(1 - coverage)).

    Args:
        true: float64 (n,), the score of each image's true class; n as `require_images` has it.
        coverage: least share of new images whose set is to hold their class.
    """
    return float(np.sort(true)[_missed(len(true), coverage) - 1])


def _missed(images: int, coverage: float) -> int:
    # Without rounding 1 - 0.9 is less than a tenth, and 9 images would be too few.
    return math.floor(round((images + 1) * (1.0 - coverage), 9))
