"""Where a base's weights come from, and the proof that they are the ones meant."""

from pipelines.weights.fingerprint import fingerprint
from pipelines.weights.known import known_fingerprint
from pipelines.weights.loading import LoadedBase, load_base
from pipelines.weights.request import WeightsRequest, parse_weights

__all__ = [
    "LoadedBase",
    "WeightsRequest",
    "fingerprint",
    "known_fingerprint",
    "load_base",
    "parse_weights",
]
