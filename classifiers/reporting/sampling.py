"""Which images of a large table are shown: some of every label of every split."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def sampled(keys: pa.Table, most: int, seed: int) -> npt.NDArray[np.int64]:
    """Choose rows, of each split and label in proportion, and at least one where that is possible.

    Args:
        keys: columns `split` and `label`, a row an image.
        most: rows to choose at most.
        seed: of the choice.

    Returns:
        int64 (n,), places of the rows, ascending.
    """
    count = keys.num_rows
    if count <= most:
        return np.arange(count, dtype=np.int64)
    strata = _strata(keys)
    order = np.random.default_rng(seed).permutation(count)
    order = order[np.argsort(strata[order], kind="stable")]
    sizes = np.bincount(strata)
    begins = np.repeat(np.cumsum(sizes) - sizes, sizes)
    # The k-th of n of a stratum comes at (k + 1/2) / n, and the first of each before all others.
    rank = np.arange(count) - begins
    when = np.where(rank == 0, 0.0, (rank + 0.5) / np.repeat(sizes, sizes))
    return np.sort(order[np.argsort(when, kind="stable")[:most]])


def _strata(keys: pa.Table) -> npt.NDArray[np.int64]:
    numbers = np.zeros(keys.num_rows, np.int64)
    for name in ("split", "label"):
        codes = keys.column(name).combine_chunks().dictionary_encode().indices
        of_name = codes.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
        numbers = numbers * (int(of_name.max()) + 1) + of_name
    places: npt.NDArray[np.int64] = np.unique(numbers, return_inverse=True)[1]
    return places
