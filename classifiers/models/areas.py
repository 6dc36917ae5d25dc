"""Areas under ROC curves: of each class against the rest, and of all of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def roc_auc_of(areas: Sequence[float | None]) -> float | None:
    """Mean of the classes' areas under the ROC curve; None where all images are of one class.

    Args:
        areas: by class number, as `areas_of` gives them; two are the same.
    """
    found = [area for area in areas if area is not None]
    if not found:
        return None
    return found[1] if len(areas) == 2 else float(np.mean(found))


def areas_of(
    targets: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]
) -> tuple[float | None, ...]:
    """Area under the ROC curve of each class against the rest.

    Args:
        targets: true class numbers (n,).
        scores: float64 (n, classes), the higher, the likelier.

    Returns:
        By class number; None of a class without images, or where there are no others.
    """
    from sklearn.metrics import roc_auc_score

    present = set(np.unique(targets).tolist())
    return tuple(
        float(roc_auc_score(targets == k, scores[:, k]))
        if k in present and len(present) > 1
        else None
        for k in range(scores.shape[1])
    )
