"""All pairs of vectors, a block at a time: who is linked to whom, and each one's nearest.

Exact: every inner product is formed. A thread takes some rows against all columns, block by block,
and looks at each block once: only what is above a row's own bound, which rises as nearer ones are
found, is kept, so that what is kept of n columns is a few times k.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.system.cores import usable_cores

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

ROWS, COLUMNS = 1024, 4096
"""Of a block: 16 MB of products a thread."""

LINKS_AT_ONCE = 1 << 20
"""Links of some rows that wait to be joined, at most, before they are."""


@dataclass(frozen=True, slots=True)
class Nearness:
    """What is near each of n vectors.

    Attributes:
        cosines: float32 (n, k), of the k nearest others, descending; -1 where there are fewer.
        places: int64 (n, k), of the same; -1 where there are fewer.
        parts: int64 (n,), equal for vectors that links join, over others or at once.
    """

    cosines: Floats
    places: Places
    parts: Places


def components(count: int, ones: Places, others: Places) -> Places:
    """Numbers int64 (count,), equal for what is joined, by links between `ones` and `others`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(ones), np.int8), (ones, others)), (count, count))
    found: Places = connected_components(graph, directed=False)[1].astype(np.int64)
    return found


def nearness(vectors: Floats, threshold: float, k: int) -> Nearness:
    """Compare all vectors with all.

    Args:
        vectors: float32 (n, length), of length 1, or zero, which are near nothing.
        threshold: inner product from which two are linked.
        k: how many of the nearest are kept.
    """
    from threadpoolctl import threadpool_limits

    count = len(vectors)
    cosines = np.full((count, k), -1.0, np.float32)
    places = np.full((count, k), -1, np.int64)
    parts = np.arange(count, dtype=np.int64)

    def work(start: int) -> tuple[Places, Places]:
        part = slice(start, start + ROWS)
        best, of_best, ones, others = _of_rows(vectors, start, threshold, k)
        cosines[part], places[part] = best, of_best
        return ones, others

    # A core a block: products and looking at them take turns on every core.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(usable_cores()) as threads:
        waiting: list[tuple[Places, Places]] = []
        for pair in threads.map(work, range(0, count, ROWS)):
            waiting.append(pair)
            if sum(len(ones) for ones, _ in waiting) > LINKS_AT_ONCE:
                parts, waiting = _joined(parts, waiting), []
    return Nearness(cosines, places, _joined(parts, waiting))


def _joined(parts: Places, links: list[tuple[Places, Places]]) -> Places:
    if not links:
        return parts
    ones, others = (np.concatenate([each[side] for each in links]) for side in (0, 1))
    return components(len(parts), parts[ones], parts[others])[parts]


def _of_rows(
    vectors: Floats, start: int, threshold: float, k: int
) -> tuple[Floats, Places, Places, Places]:
    """The nearest of some rows, and their links as two arrays of places."""
    queries = vectors[start : start + ROWS]
    count = len(queries)
    best = np.full((count, k), -1.0, np.float32)
    of_best = np.full((count, k), -1, np.int64)
    links: list[tuple[Places, Places]] = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    products = np.empty((count, min(COLUMNS, len(vectors))), np.float32)
    for left in range(0, len(vectors), COLUMNS):
        columns = vectors[left : left + COLUMNS]
        block = products.ravel()[: count * len(columns)].reshape(count, len(columns))
        np.matmul(queries, columns.T, out=block)
        own = np.arange(max(start, left), min(start + count, left + len(columns)))
        block[own - start, own - left] = -2.0
        if left == 0 and len(columns) > k:
            best[:] = -1.0
            bound = np.partition(block, -k, axis=1)[:, -k]
        else:
            bound = best[:, -1]
        found = np.flatnonzero(block >= np.minimum(bound, np.float32(threshold))[:, None])
        rows, places = np.divmod(found, len(columns))
        values = block.ravel()[found]
        linked = values >= threshold
        # Of a pair one side is enough.
        linked &= rows + start < places + left
        links.append((rows[linked] + start, places[linked] + left))
        near = values >= bound[rows]
        _keep(best, of_best, rows[near], places[near] + left, values[near])
    ones, others = (np.concatenate([each[side] for each in links]) for side in (0, 1))
    return best, of_best, ones, others


def _keep(best: Floats, of_best: Places, rows: Places, places: Places, values: Floats) -> None:
    """Put what is nearer into the k best of each row; of equal ones the first places stay."""
    if not len(rows):
        return
    k = best.shape[1]
    touched, number = np.unique(rows, return_inverse=True)
    all_rows = np.concatenate([np.repeat(np.arange(len(touched)), k), number])
    all_values = np.concatenate([best[touched].ravel(), values])
    all_places = np.concatenate([of_best[touched].ravel(), places])
    order = np.lexsort((all_places, -all_values, all_rows))
    firsts = np.searchsorted(all_rows[order], np.arange(len(touched)))
    chosen = order[firsts[:, None] + np.arange(k)]
    best[touched], of_best[touched] = all_values[chosen], all_places[chosen]
