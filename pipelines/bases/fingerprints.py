"""The fingerprint that tells which weights a base holds, and those of weights loaded before.

A run without work need not load a base to know its weights.
They are signed: an engine that runs a conversion knows the base's weights by nothing else.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.bases.catalogue import Base
from pipelines.bases.weights_request import WeightsRequest
from pipelines.system.cached_json import keep_json, kept_json

KNOWN_FILE = "fingerprints.json"
"""In the cache."""


def known_fingerprint(base: Base, image_size: int, request: WeightsRequest) -> str | None:
    """The fingerprint that the weights had when they were last loaded; None if they never were.

    Args:
        base: whose weights.
        image_size: height and width of its input in pixels; for some bases Keras has other ImageNet
            weights at another size.
        request: the weights wanted.
    """
    if request.kind == "imagenet" and base.imagenet_fingerprint is not None:
        return base.imagenet_fingerprint
    found = (kept_json(KNOWN_FILE) or {}).get(_key(base, image_size, request))
    return found if isinstance(found, str) else None


def remember_fingerprint(
    base: Base, image_size: int, request: WeightsRequest, fingerprint: str
) -> None:
    """Keep a fingerprint for the next run; a cache that cannot be written only costs time."""
    known = kept_json(KNOWN_FILE) or {}
    keep_json(KNOWN_FILE, {**known, _key(base, image_size, request): fingerprint})


def _key(base: Base, image_size: int, request: WeightsRequest) -> str:
    built = f"{base.name} {image_size}" + (" with top" if base.top else "")
    if request.path is None:
        return f"{built} {request.kind} {request.seed}"
    with Path(request.path).open("rb") as file:
        return f"{built} file {hashlib.file_digest(file, 'sha256').hexdigest()}"


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
