"""Which network, with which weights, proven: the bases of `keras.applications`."""

from pipelines.bases.building import build
from pipelines.bases.catalogue import BASES, IN_MODEL, Base, base_named
from pipelines.bases.cutting import POOLINGS, cut
from pipelines.bases.fingerprints import fingerprint, known_fingerprint
from pipelines.bases.imagenet import imagenet_classes
from pipelines.bases.preprocessing import PREPROCESSINGS, check_preprocessing, preprocess
from pipelines.bases.weights import LoadedBase, load_base
from pipelines.bases.weights_request import WeightsRequest, parse_weights

__all__ = [
    "BASES",
    "IN_MODEL",
    "POOLINGS",
    "PREPROCESSINGS",
    "Base",
    "LoadedBase",
    "WeightsRequest",
    "base_named",
    "build",
    "check_preprocessing",
    "cut",
    "fingerprint",
    "imagenet_classes",
    "known_fingerprint",
    "load_base",
    "parse_weights",
    "preprocess",
]
