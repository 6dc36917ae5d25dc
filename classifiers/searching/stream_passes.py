"""One pass over all rows for many fits: losses and gradients, and how many test rows are right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.data.folds import Places
from classifiers.heads.losses import Floats, Loss
from classifiers.heads.neighbours import unit_rows
from classifiers.searching.data import DividedRows

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Moments:
    """What the training rows of a fold are like.

    Attributes:
        count: how many there are.
        mean: float64 (length,).
        squares: float64 (length,), sum of each feature's squares about its mean.
    """

    count: int
    mean: Floats
    squares: Floats


@dataclass(frozen=True, slots=True)
class Weights:
    """A point that a fit has come to.

    Attributes:
        place: of the fold.
        of_length_one: whether each row is divided by its length first.
        loss: of a row.
        raw: float64 (K, length), weights of features that are not centred or scaled.
        shift: float64 (K,), what is added to their products.
    """

    place: int
    of_length_one: bool
    loss: Loss
    raw: Floats
    shift: Floats


@dataclass(frozen=True, slots=True)
class Slope:
    """What a pass found at a point.

    Attributes:
        value: the rows' weighted losses.
        products: float64 (K, length), gradient by `raw`.
        sums: float64 (K,), gradient by `shift`.
        right: test rows whose class was found.
    """

    value: float
    products: Floats
    sums: Floats
    right: int


def roles_of(rows: DividedRows) -> npt.NDArray[np.int8]:
    """Of each fold and row (folds, n): 1 to fit on, 2 to score on, 0 for neither."""
    found = np.zeros((len(rows.folds), len(rows.targets)), np.int8)
    for place, fold in enumerate(rows.folds):
        found[place, fold.train], found[place, fold.test] = 1, 2
    return found


def moments(
    rows: DividedRows, roles: npt.NDArray[np.int8], *, of_length_one: bool
) -> list[Moments]:
    """What each fold's training rows are like, in one pass.

    Args:
        rows: the rows.
        roles: what `roles_of` says.
        of_length_one: whether each row is divided by its length first.

    Raises:
        TableError: the features are not all finite, or all rows have the same.
    """
    length = rows.parts[0].length

    def work(features: Features, places: Places) -> tuple[Floats, Floats, Places]:
        bad = places[~np.isfinite(features).all(axis=1)]
        values = (unit_rows(features) if of_length_one else features).astype(np.float64)
        fitted = (roles[:, places] == 1).astype(np.float64)
        return fitted @ values, fitted @ np.square(values), bad

    sums, squares = np.zeros((2, len(rows.folds), length))
    bad: list[int] = []
    with np.errstate(invalid="ignore"):  # what is not finite is looked for
        for first, second, some in rows.map(work):
            sums += first
            squares += second
            bad += some.tolist()
    rows.refuse(sorted(bad))
    found = []
    for place, fold in enumerate(rows.folds):
        count = len(fold.train)
        mean = sums[place] / count
        about = np.maximum(squares[place] - count * np.square(mean), 0.0)
        # Under rounding a feature is as good as constant.
        about[about <= 1e-12 * squares[place]] = 0.0
        found.append(Moments(count, mean, about))
    if not any(each.squares.any() for each in found):
        raise rows.alike()
    return found


def slopes(
    rows: DividedRows,
    roles: npt.NDArray[np.int8],
    class_weight: Floats,
    points: Sequence[Weights],
) -> list[Slope]:
    """Losses and gradients at several points, in one pass.

    Products are float32, like the features; sums over blocks of rows are float64.

    Args:
        rows: the rows.
        roles: what `roles_of` says.
        class_weight: float64 (classes,).
        points: where the fits are.
    """
    kinds = [
        [number for number, each in enumerate(points) if each.of_length_one == kind]
        for kind in (False, True)
    ]
    stacked = [
        np.concatenate([points[number].raw for number in kind]).T.astype(np.float32, order="C")
        if kind
        else None
        for kind in kinds
    ]
    columns = points[0].raw.shape[0]
    several = columns > 1

    def work(features: Features, places: Places) -> list[tuple[int, float, Floats, Features, int]]:
        targets, found = rows.targets[places], []
        for kind, matrix in zip(kinds, stacked, strict=True):
            if matrix is None:
                continue
            taken = unit_rows(features) if kind is kinds[1] else features
            scores = (taken @ matrix).astype(np.float64)
            back = np.zeros(scores.shape, np.float32)
            said = []
            for at, number in enumerate(kind):
                point, part = points[number], slice(at * columns, (at + 1) * columns)
                own = scores[:, part] + point.shift
                role = roles[point.place, places]
                fitted, tested = role == 1, role == 2
                value, slope = point.loss(own[fitted], targets[fitted], class_weight)
                back[fitted, part] = slope
                predicted = own.argmax(axis=1) if several else own[:, 0] > 0.0
                right = int((predicted[tested] == targets[tested]).sum())
                said.append((number, value, slope.sum(axis=0), right))
            products = back.T @ taken
            for at, (number, value, sums, right) in enumerate(said):
                own_products = products[at * columns : (at + 1) * columns]
                found.append((number, value, sums, own_products, right))
        return found

    values, right = np.zeros(len(points)), np.zeros(len(points), np.int64)
    sums = np.zeros((len(points), columns))
    products = np.zeros((len(points), columns, rows.parts[0].length))
    for block in rows.map(work):
        for number, value, slope, product, count in block:
            values[number] += value
            sums[number] += slope
            products[number] += product
            right[number] += count
    return [
        Slope(float(values[n]), products[n], sums[n], int(right[n])) for n in range(len(points))
    ]
