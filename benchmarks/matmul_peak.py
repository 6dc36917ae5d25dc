"""The most that a processor reaches in practice: large matrix products in one dtype."""

import time

import numpy as np

from benchmarks.accelerator import put, wait
from pipelines.system.keras_backend import load_keras

ROUNDS = 5


def measured_peak(dtype: str, side: int, products: int = 20) -> float:
    """FLOP/s of the fastest of some rounds of square matrix products.

    Args:
        dtype: of the factors and the product.
        side: rows and columns; large enough that memory does not bound it.
        products: in one round, so that asking for them costs nothing beside them.
    """
    ops = load_keras().ops
    random = np.random.default_rng(0)
    left, right = (put(random.standard_normal((side, side), np.float32), dtype) for _ in range(2))
    wait(ops.matmul(left, right))
    best = np.inf
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(products):
            product = ops.matmul(left, right)
        wait(product)
        best = min(best, time.perf_counter() - started)
    return float(2.0 * side**3 * products / best)
