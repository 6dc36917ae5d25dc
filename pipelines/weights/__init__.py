"""Where a base's weights come from, and the proof that they are the ones meant."""

from pipelines.bases.fingerprint import fingerprint
from pipelines.bases.fingerprints import known_fingerprint
from pipelines.bases.weights import LoadedBase, load_base
from pipelines.bases.weights_request import WeightsRequest, parse_weights

__all__ = [
    "LoadedBase",
    "WeightsRequest",
    "fingerprint",
    "known_fingerprint",
    "load_base",
    "parse_weights",
]
