"""Directions in which near duplicates are close, and images that merely show the like are not.

By the cosine of plain features all pictures of cats are close. So each value is replaced by its
root, which keeps a few strong channels from deciding alone, and the directions in which the table's
own images vary together are made to count less: by the inverse root of their covariance, to which
a multiple of the mean variance is added. That grows where there are fewer images than channels, so
that one threshold serves tables of thirty images and of thousands (docs/auditing.md has figures).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.heads.neighbours import unit_rows
from pipelines.contract import Contract

Floats = npt.NDArray[np.float32]

RIDGE = 1.0
"""What is added to the variance in every direction, in mean variances, with many images."""

ROWS_AT_ONCE = 4096

NEAR = 0.6
"""Nearness from which two images are near duplicates, where features have hundreds of channels."""


MEASURED = {("VGG16", "block5_pool"), ("VGG16", "block4_pool")}
"""Bases and layers with whose features `NEAR` was measured (`benchmarks.near_threshold`)."""


def unmeasured(contract: Contract) -> str | None:
    """One line on a threshold that nobody has measured for these features; None where it was."""
    if (contract.base, contract.layer) in MEASURED:
        return None
    return (
        f"the threshold of near duplicates was measured with VGG16, not with {contract.base}'s "
        f"{contract.layer}: look at some groups, or measure it for these features "
        "(python -m benchmarks.near_threshold, docs/auditing.md) and give it as --near"
    )


@dataclass(frozen=True, slots=True)
class Directions:
    """Where images lie, as seen from the middle of all.

    Attributes:
        units: float32 (n, channels), of length 1; zero where an image lies in the middle.
        dimensions: how many equally wide ones the images spread over.
    """

    units: Floats
    dimensions: float

    @property
    def near(self) -> float:
        """`NEAR`, or where few dimensions make chance pairs near, what one of them would reach.

        That is the nearness that one pair is expected to have by chance, of all pairs of so many
        random directions.
        """
        from scipy.special import betaincinv

        pairs = len(self.units) * (len(self.units) - 1) / 2
        if pairs < 1 or self.dimensions <= 1:
            return NEAR
        # Of random directions, (1 - cosine^2) is beta distributed; half of the cosines are below 0.
        share = min(1.0, 2.0 / pairs)
        by_chance = float(np.sqrt(1.0 - betaincinv((self.dimensions - 1) / 2, 0.5, share)))
        return max(NEAR, by_chance)


def take_roots(pooled: Floats) -> None:
    """Replace each value by the root of its size, with its sign, in place.

    Args:
        pooled: float32 (n, channels).
    """
    for start in range(0, len(pooled), ROWS_AT_ONCE):
        block = pooled[start : start + ROWS_AT_ONCE]
        block[:] = np.sign(block) * np.sqrt(np.abs(block))


def directions(roots: Floats) -> Directions:
    """Unit vectors whose inner products say how near images are.

    Args:
        roots: float32 (n, channels), finite, of images that differ; written over.
    """
    from scipy.linalg import solve_triangular

    count, channels = roots.shape
    if not count:
        return Directions(roots, 0.0)
    mean = roots.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((channels, channels))
    for start in range(0, count, ROWS_AT_ONCE):
        centred = roots[start : start + ROWS_AT_ONCE] - mean
        covariance += centred.T @ centred
    covariance /= max(1, count - 1)
    variance = float(np.trace(covariance)) / channels
    if variance == 0.0:
        return Directions(np.zeros_like(roots), 0.0)
    ridged = covariance + variance * (RIDGE + channels / count) * np.eye(channels)
    lower = np.linalg.cholesky(ridged)
    turn = solve_triangular(lower, np.eye(channels), lower=True, check_finite=False).T
    whitened = turn.T @ covariance @ turn
    dimensions = float(np.trace(whitened) ** 2 / np.square(whitened).sum())
    for start in range(0, count, ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        roots[part] = unit_rows(((roots[part] - mean) @ turn).astype(np.float32))
    return Directions(roots, dimensions)
