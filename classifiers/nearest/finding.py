"""Two ways to the nearest stored vectors look alike: all are looked at, or an index is asked."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from classifiers.data.pooled import Floats
from classifiers.heads.neighbours import blocks_of, nearest

Places = npt.NDArray[np.int64]
Search = Callable[[Floats, int], tuple[Floats, Places]]
"""Of unit vectors (n, channels) and k: cosines (n, k), descending and to 6 digits, and the places
(n, k) of the vectors among those stored; of equal cosines the first place comes first.
"""


def exact_search(vectors: Floats) -> Search:
    """The search that looks at all stored unit vectors, float32 (stored, channels)."""
    return lambda queries, k: nearest(blocks_of(vectors), queries, k)
