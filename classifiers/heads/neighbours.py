"""The nearest of many vectors by cosine: exact, a block at a time, in memory that does not grow."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

BLOCK_BYTES = 2**26
"""Bytes of the vectors that are compared at once."""

AT_FIRST = 2048
"""Vectors of a block that are looked at before the others."""

DIGITS = 6
"""To which cosines are told apart; float32 has seven."""


def unit_rows(vectors: Floats) -> Floats:
    """Vectors of length 1 in the same directions; one of zeros stays what it is.

    Args:
        vectors: float32 (n, length).
    """
    # In float64: squares of large features add up to more than float32 holds.
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    lengths[lengths == 0.0] = 1.0
    found: Floats = (vectors / lengths[:, None]).astype(np.float32)
    return found


def rows_of_block(length: int) -> int:
    """How many float32 vectors of a length are compared at once."""
    return max(1, BLOCK_BYTES // (4 * length))


def blocks_of(vectors: Floats) -> Iterator[Floats]:
    """Vectors (n, length) block by block; `vectors` may be a file's, read as it is sliced."""
    rows = rows_of_block(vectors.shape[1])
    for start in range(0, vectors.shape[0], rows):
        yield np.asarray(vectors[start : start + rows])


def nearest(
    blocks: Iterable[Floats], queries: Floats, k: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The k vectors whose directions are nearest to each query's.

    Args:
        blocks: float32 (rows, length) of unit vectors each, in order; k rows or more in all.
        queries: float32 (n, length), unit vectors.
        k: how many.

    Returns:
        Cosines float32 (n, k), descending and to 6 digits, and places int64 (n, k) among all rows;
        of equal cosines the first places are taken, and come first.
    """
    best = np.empty((len(queries), 0), np.float32)
    places = np.empty((len(queries), 0), np.int64)
    start = 0
    for block in blocks:
        cosines = queries @ block.T
        # The best of the first ones are a bound, and few of the others are above it.
        for part in (cosines[:, :AT_FIRST], cosines[:, AT_FIRST:]):
            values, columns = _candidates(part, best, k)
            best, places = np.hstack([best, values]), np.hstack([places, columns + start])
            kept = _largest(best, k)
            best, places = np.take_along_axis(best, kept, 1), np.take_along_axis(places, kept, 1)
            start += part.shape[1]
    order = np.lexsort((places, -best), axis=1)
    return np.take_along_axis(best, order, 1), np.take_along_axis(places, order, 1)


def _candidates(
    cosines: npt.NDArray[np.float32], best: npt.NDArray[np.float32], k: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """What may be among the k best: rounded cosines (n, m) and their columns, ascending.

    All of them as long as there are fewer than k best, and then those above the least of these;
    where a row has fewer than others, it is filled up with less than any cosine.
    """
    # Rounded, as the same vector gives another last digit at another place of a block.
    if best.shape[1] < k:
        return np.round(cosines, DIGITS), np.tile(np.arange(cosines.shape[1]), (len(cosines), 1))
    rows, found = np.nonzero(cosines > best.min(axis=1, keepdims=True))
    counts = np.bincount(rows, minlength=len(cosines))
    at = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    values = np.full((len(cosines), counts.max(initial=0)), -np.inf, np.float32)
    columns = np.zeros(values.shape, np.int64)
    values[rows, at] = np.round(cosines[rows, found], DIGITS)
    columns[rows, at] = found
    return values, columns


def _largest(values: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
    """Places (n, k) of the k largest of each row, ascending, of equal ones the first; or all."""
    if values.shape[1] <= k:
        return np.tile(np.arange(values.shape[1]), (len(values), 1))
    least = np.partition(values, -k, axis=1)[:, -k, None]
    above, equal = values > least, values == least
    free = k - above.sum(axis=1, keepdims=True)
    taken = above | (equal & (np.cumsum(equal, axis=1) <= free))
    return np.nonzero(taken)[1].reshape(len(values), k)
