"""Sharing a batch among worker threads, each of which runs a library's native code on one core."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Features = npt.NDArray[np.float32]


class ParallelRuns:
    """Threads that take groups of a batch's images; several batches may be under way at once.

    An image's features depend on neither its group nor the thread, so any split of a batch will do.
    """

    def __init__(self, run: Callable[[Pixels], Features], threads: int, group: int) -> None:
        """Start the threads.

        Args:
            run: from uint8 (n, size, size, 3) to float32 (n, length); called on several threads.
            threads: how many.
            group: most images of a call.
        """
        self._run, self._group = run, group
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="base")

    def __call__(self, images: Pixels) -> Features:
        """Run a batch: uint8 (n, size, size, 3) to float32 (n, length), in the order given."""
        starts = range(0, len(images), self._group)
        parts = self._pool.map(lambda at: self._run(images[at : at + self._group]), starts)
        return np.concatenate(list(parts))
