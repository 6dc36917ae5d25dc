"""The accuracy of nearest neighbours on one fold, for several numbers of them at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.data.folds import Fold, Places
from classifiers.heads.knn import finite_unit_rows, votes
from classifiers.heads.losses import Floats, Targets
from classifiers.heads.neighbours import blocks_of, nearest
from classifiers.searching.data import DividedRows
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


def streamed_outcomes(
    rows: DividedRows, place: int, class_weight: Floats, points: Sequence[Values], room: int
) -> list[Outcome]:
    """The same where features stay in the table, some test rows at a time.

    Args:
        rows: the rows and their folds.
        place: of the fold.
        class_weight: float64 (classes,).
        points: values of k and temperature.
        room: bytes for test rows and what is made of them.
    """
    fold, length = rows.folds[place], rows.parts[0].length
    # Their vectors, twice for safety, and what is made of their cosines with a block of rows.
    each = 4 * (2 * length + 12 * rows.parts[0].batch_rows)
    at_once = max(1, room // each)
    parts = [
        _nearest_streamed(rows, fold, fold.test[start : start + at_once], most_neighbours(points))
        for start in range(0, len(fold.test), at_once)
    ]
    found = Neighbours(
        np.concatenate([part.cosines for part in parts]),
        np.concatenate([part.classes for part in parts]),
        np.concatenate([part.known for part in parts]),
    )
    return outcomes_of(found, rows.targets[fold.test], class_weight, points)


def _nearest_streamed(rows: DividedRows, fold: Fold, test: Places, k: int) -> Neighbours:
    queries = np.empty((len(test), rows.parts[0].length), np.float32)
    for vectors, places in rows.map(_unit_rows_of, test):
        queries[np.searchsorted(test, places)] = vectors
    classes: list[Targets] = []

    def blocks() -> Iterator[npt.NDArray[np.float32]]:
        for vectors, places in rows.map(_unit_rows_of, fold.train):
            classes.append(rows.targets[places])
            yield vectors

    cosines, places = nearest(blocks(), queries, k)
    known = np.asarray(queries.any(axis=1), np.bool_)
    return Neighbours(cosines, np.concatenate(classes)[places], known)


def _unit_rows_of(
    features: npt.NDArray[np.float32], places: Places
) -> tuple[npt.NDArray[np.float32], Places]:
    return finite_unit_rows(features)[1], places


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
