"""Two-sample tests whose p-values are exact, as they come of permutations.

If both samples are of one distribution, every way of dealing their images out to two sets of the
same sizes is as likely as the one that was met. So the p-value is the share of dealings that are as
extreme. An image that is on both sides is dealt out to both, once as it was and once as it is.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float64]
Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Places (n,) on the first side and on the second, of images that are on both."""

ROUNDING = 1e-10
"""Statistics that differ by less are equal."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test found.

    Attributes:
        statistic: the squared MMD (0 and up), or the area under the ROC curve (0 to 1).
        p: the p-value, above 0 and at most 1.
    """

    statistic: float
    p: float


def mmd(
    first: Vectors,
    second: Vectors,
    pairs: Pairs,
    permutations: int,
    random: np.random.Generator,
) -> Tested:
    """The squared maximum mean discrepancy, by a Gaussian kernel as wide as the median distance.

    Args:
        first: (n, length).
        second: (m, length).
        pairs: images of both.
        permutations: that are tried.
        random: what deals.
    """
    squares = _squared_distances(np.vstack([first, second]))
    width = float(np.median(squares[np.triu_indices(len(squares), 1)])) or 1.0
    kernel = np.exp(-squares / width)
    weights = _dealings(
        np.r_[np.full(len(first), 1 / len(first)), np.full(len(second), -1 / len(second))],
        (pairs[0], pairs[1] + len(first)),
        permutations,
        random,
    )
    return _tested(np.einsum("np,np->p", weights, kernel @ weights))


def classifier_test(
    train: tuple[Vectors, Vectors],
    held_out: tuple[Vectors, Vectors],
    pairs: Pairs,
    permutations: int,
    random: np.random.Generator,
) -> Tested:
    """How well a linear classifier tells the two apart, by the area under the ROC curve.

    Args:
        train: of each of them (n, length), what the classifier learns from.
        held_out: of each of them (n, length), what it is tried on.
        pairs: images of both that it is tried on.
        permutations: that are tried.
        random: what deals.
    """
    points = np.vstack(train)
    first, second = len(train[0]), len(train[1])
    sides = np.r_[np.full(first, -1 / first), np.full(second, 1 / second)]
    gram = points @ points.T
    # Ridge regression, with a penalty that is the mean of what it is added to.
    gram[np.diag_indices_from(gram)] += gram.trace() / len(gram) or 1.0
    direction = points.T @ np.linalg.solve(gram, sides)
    # The mean rank says as much as the area, and a dealing changes nothing else.
    ranks = _ranks(np.vstack(held_out) @ direction)
    first, second = len(held_out[0]), len(held_out[1])
    held = np.r_[np.zeros(first), np.ones(second)]
    belongs = _dealings(held, (pairs[0], pairs[1] + first), permutations, random)
    return _tested((ranks @ belongs - second * (second + 1) / 2) / (first * second))


def _dealings(
    values: Vectors, pairs: Pairs, permutations: int, random: np.random.Generator
) -> Vectors:
    """The values as they are, and permuted, one a column; those of a pair change places only."""
    dealt = np.tile(values[:, None], permutations)
    one, other = pairs
    swapped = random.random((len(one), permutations)) < 0.5
    dealt[one] = np.where(swapped, values[other][:, None], values[one][:, None])
    dealt[other] = np.where(swapped, values[one][:, None], values[other][:, None])
    alone = np.delete(np.arange(len(values)), np.concatenate(pairs))
    dealt[alone] = random.permuted(dealt[alone], axis=0)
    return np.hstack([values[:, None], dealt])


def _tested(statistics: Vectors) -> Tested:
    as_extreme = int((statistics >= statistics[0] - ROUNDING).sum())
    return Tested(max(0.0, float(statistics[0])), as_extreme / len(statistics))


def _squared_distances(points: Vectors) -> Vectors:
    lengths = np.einsum("ij,ij->i", points, points)
    squares: Vectors = np.maximum(lengths[:, None] + lengths - 2 * points @ points.T, 0.0)
    return squares


def _ranks(scores: Vectors) -> Vectors:
    """From 1; equal scores share their mean rank."""
    # Scores of equal images differ in their last digits.
    scale = float(np.abs(scores).max(initial=0.0)) or 1.0
    _, group, counts = np.unique(
        np.round(scores / scale, 9), return_inverse=True, return_counts=True
    )
    ranks: Vectors = (np.cumsum(counts) - (counts - 1) / 2)[group]
    return ranks
