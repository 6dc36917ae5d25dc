"""The fingerprint that tells whether two bases hold the same weights."""

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


def fingerprint(tensors: Iterable[npt.ArrayLike]) -> str:
    """SHA-256 over a base's tensors in layer order: each one's shape, then its values.

    Args:
        tensors: the weights as Keras orders them (`model.weights`); taken as float32.

    Returns:
        64 hexadecimal digits, the same for the same numbers whatever file they came from.
    """
    digest = hashlib.sha256()
    for tensor in tensors:
        values = np.ascontiguousarray(tensor, dtype="<f4")
        digest.update(repr(values.shape).encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
