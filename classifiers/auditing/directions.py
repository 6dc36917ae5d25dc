"""Directions in which near duplicates are close, and images that merely show the like are not.

By the cosine of plain features all pictures of cats are close. So each value is replaced by its
root, which keeps a few strong channels from deciding alone, and the directions in which the table's
own images vary together are made to count less: by the inverse root of their covariance, to which
a multiple of the mean variance is added. That grows where there are fewer images than channels, so
that one threshold serves tables of thirty images and of thousands (docs/auditing.md has figures).
"""

import numpy as np
import numpy.typing as npt

from classifiers.heads.neighbours import unit_rows

Floats = npt.NDArray[np.float32]

RIDGE = 1.0
"""What is added to the variance in every direction, in mean variances, with many images."""

ROWS_AT_ONCE = 4096


def take_roots(pooled: Floats) -> None:
    """Replace each value by the root of its size, with its sign, in place.

    Args:
        pooled: float32 (n, channels).
    """
    for start in range(0, len(pooled), ROWS_AT_ONCE):
        block = pooled[start : start + ROWS_AT_ONCE]
        block[:] = np.sign(block) * np.sqrt(np.abs(block))


def directions(roots: Floats) -> Floats:
    """Unit vectors whose inner products say how near images are, float32 (n, channels).

    Args:
        roots: float32 (n, channels), finite, of images that differ; written over.
    """
    from scipy.linalg import solve_triangular

    count, channels = roots.shape
    if not count:
        return roots
    mean = roots.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((channels, channels))
    for start in range(0, count, ROWS_AT_ONCE):
        centred = roots[start : start + ROWS_AT_ONCE] - mean
        covariance += centred.T @ centred
    covariance /= max(1, count - 1)
    variance = float(np.trace(covariance)) / channels
    if variance == 0.0:
        return np.zeros_like(roots)
    covariance[np.diag_indices(channels)] += variance * (RIDGE + channels / count)
    lower = np.linalg.cholesky(covariance)
    turn = solve_triangular(lower, np.eye(channels), lower=True, check_finite=False).T
    for start in range(0, count, ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        roots[part] = unit_rows(((roots[part] - mean) @ turn).astype(np.float32))
    return roots
