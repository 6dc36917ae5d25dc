"""Rounding stored features to a shorter mantissa, which compresses better and stays float32."""

import numpy as np
import numpy.typing as npt

MANTISSA_BITS = {"float32": 23, "float16": 10, "bfloat16": 7}
"""Explicit mantissa bits of each precision; the exponent always keeps float32's eight bits."""


def round_mantissa(values: npt.NDArray[np.float32], precision: str) -> npt.NDArray[np.float32]:
    """Round to the nearest value whose mantissa fits the precision, ties to even.

    Args:
        values: finite float32, any shape.
        precision: a key of `MANTISSA_BITS`.

    Returns:
        float32 of the same shape; the same array when there is nothing to round.
    """
    dropped = 23 - MANTISSA_BITS[precision]
    if dropped == 0:
        return values
    bits = np.ascontiguousarray(values).view(np.uint32)
    last_kept = (bits >> np.uint32(dropped)) & np.uint32(1)
    rounded = bits + last_kept + np.uint32((1 << (dropped - 1)) - 1)
    return (rounded & np.uint32(0xFFFFFFFF << dropped & 0xFFFFFFFF)).view(np.float32)
