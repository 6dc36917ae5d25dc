"""The accuracy of nearest neighbours on one fold, for several numbers of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.heads.knn import finite_unit_rows, votes
from classifiers.heads.losses import Floats, Targets
from classifiers.heads.neighbours import blocks_of, nearest
from classifiers.searching.folds import Fold
from classifiers.searching.outcomes import Outcome
from classifiers.searching.settings import Space, Values
from pipelines.errors import UsageError


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The training rows nearest to n test rows.

    Attributes:
        cosines: float32 (n, k), descending.
        classes: int64 (n, k), theirs.
        known: bool (n,), whether a row has a direction at all; one of zeros is near none.
    """

    cosines: npt.NDArray[np.float32]
    classes: Targets
    known: npt.NDArray[np.bool_]


def outcomes(
    features: npt.NDArray[np.float32],
    targets: Targets,
    fold: Fold,
    class_weight: Floats,
    points: Sequence[Values],
) -> list[Outcome]:
    """The accuracy at each k and temperature; the nearest images are looked for once.

    Args:
        features: float32 (rows, length), of all folds.
        targets: int64 (rows,).
        fold: the rows of the fold.
        class_weight: float64 (classes,).
        points: values of k and temperature.
    """
    _, train = finite_unit_rows(features[fold.train])
    _, queries = finite_unit_rows(features[fold.test])
    cosines, places = nearest(blocks_of(train), queries, most_neighbours(points))
    known = np.asarray(queries.any(axis=1), np.bool_)
    found = Neighbours(cosines, targets[fold.train][places], known)
    return outcomes_of(found, targets[fold.test], class_weight, points)


def outcomes_of(
    near: Neighbours, expected: Targets, class_weight: Floats, points: Sequence[Values]
) -> list[Outcome]:
    """The accuracy at each k and temperature, where the nearest are known.

    Args:
        near: of n test rows.
        expected: int64 (n,), of the test rows.
        class_weight: float64 (classes,).
        points: values of k and temperature.
    """
    found = []
    for point in points:
        k = int(point["k"])
        cosines, classes = near.cosines[:, :k], near.classes[:, :k]
        shares = votes(cosines, classes, class_weight, point["temperature"])
        predicted = np.where(near.known, shares.argmax(axis=1), 0)
        found.append(Outcome(float(np.mean(predicted == expected)), True))
    return found


def most_neighbours(points: Sequence[Values]) -> int:
    """The largest k."""
    return int(max(point["k"] for point in points))


def require_neighbours(space: Space, folds: Sequence[Fold]) -> None:
    """Refuse more neighbours than there are images to fit on.

    Raises:
        UsageError: a fold has fewer.
    """
    most = max(
        (most_neighbours(path.points) for path in space.paths() if path.head == "knn"), default=0
    )
    least = min(len(fold.train) for fold in folds)
    if most > least:
        raise UsageError(
            f"--k {most} neighbours are more than the {least} images that a fold leaves to fit on; "
            f"give --k of {least} at most"
        )
