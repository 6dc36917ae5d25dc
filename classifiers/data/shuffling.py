"""Drawing the rows of a table in a random order, without holding all of them."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from classifiers.data.decoding import blocks_ahead
from classifiers.data.memory import show_size
from classifiers.data.training_set import Batch, StreamedSet
from pipelines.errors import UsageError

POOL_SHARE = 4
"""The pool takes a quarter of the budget; the rest is for blocks that were decoded ahead, for the
batches under way and for what the head itself needs."""

LEAST_BLOCKS = 8
"""Fewest row groups in the pool: files hold runs of one class, and batches must not."""


class Pool:
    """Rows from which batches are drawn at random, and which is filled up again from behind.

    Every row is drawn once. A batch is a uniform draw, without replacement, of what the pool holds.
    """

    def __init__(self, capacity: int, length: int, labels: tuple[int, ...] = ()) -> None:
        """Make room for `capacity` rows of `length` features and, of several, so many labels."""
        self._features = np.empty((capacity, length), np.float32)
        self._targets = np.empty((capacity, *labels), np.int64)
        self.held = 0

    def room_for(self, rows: int) -> bool:
        """Whether so many rows can be added."""
        return self.held + rows <= len(self._targets)

    def add(self, features: npt.NDArray[np.float32], targets: npt.NDArray[np.int64]) -> None:
        """Take rows, features (n, length) and their targets, for which there is room."""
        end = self.held + len(targets)
        self._features[self.held : end] = features
        self._targets[self.held : end] = targets
        self.held = end

    def draw(self, rows: int, random: np.random.Generator) -> Batch:
        """Take out so many rows, or all that are left."""
        rows = min(rows, self.held)
        places = random.choice(self.held, rows, replace=False)
        batch = self._features[places], self._targets[places]
        # The last rows move into the holes, so that what is held stays in one piece.
        self.held -= rows
        tail = np.setdiff1d(np.arange(self.held, self.held + rows), places)
        holes = places[places < self.held]
        self._features[holes] = self._features[tail]
        self._targets[holes] = self._targets[tail]
        return batch


def pool_rows(rows: StreamedSet, batch_rows: int) -> int:
    """Rows that the pool holds within the budget; all of them without one.

    Raises:
        UsageError: the budget is too small for batches that mix row groups.
    """
    if rows.budget is None:
        return len(rows.targets)
    row_bytes = rows.length * np.dtype(np.float32).itemsize
    ahead = (blocks_ahead() + 1) * rows.batch_bytes
    capacity = rows.budget.size // POOL_SHARE // row_bytes
    least = LEAST_BLOCKS * rows.batch_rows + batch_rows
    if capacity < least or capacity * row_bytes + ahead > rows.budget.size:
        needed = max(POOL_SHARE * least * row_bytes, least * row_bytes + ahead)
        raise UsageError(
            f"{rows.budget.reason} is too little to shuffle this split: give --memory "
            f"{-(-needed // 10**6)}M or more (the row groups are of {show_size(rows.batch_bytes)})"
        )
    return min(capacity, len(rows.targets))


def shuffled_batches(
    rows: StreamedSet, batch_rows: int, random: np.random.Generator
) -> Iterator[Batch]:
    """All rows once, in a random order that the generator's state decides.

    The row groups come in a random order and go through a `Pool`. So two rows of one group stay
    apart by as much as the pool is large, not by as much as the table is: mixing is not that of a
    permutation of all rows, but each batch is drawn from at least `LEAST_BLOCKS` random groups.

    Args:
        rows: the rows.
        batch_rows: rows of a batch; the last one may have fewer.
        random: drawn from for the order of groups and for each batch.
    """
    pool = Pool(pool_rows(rows, batch_rows), rows.length, rows.targets.shape[1:])
    order = random.permutation(len(rows.rows.groups)).tolist()
    for features, targets in rows.batches(order):
        while not pool.room_for(len(targets)):
            yield pool.draw(batch_rows, random)
        pool.add(features, targets)
    while pool.held:
        yield pool.draw(batch_rows, random)
