"""Which network, with which weights, proven: bases of `keras.applications` and of files."""

from pipelines.bases.base_file import FileFacts, facts_of, file_of, is_from_file, parse_base
from pipelines.bases.building import build
from pipelines.bases.catalogue import BASES, IN_MODEL, Base, base_named
from pipelines.bases.cutting import POOLINGS, cut
from pipelines.bases.fingerprints import fingerprint, known_fingerprint
from pipelines.bases.imagenet import imagenet_classes
from pipelines.bases.of_contract import base_of, prepare
from pipelines.bases.preprocessing import PREPROCESSINGS, check_preprocessing, preprocess
from pipelines.bases.scaling import SCALINGS, Scaling, check_scaling, scaling_of
from pipelines.bases.weights import LoadedBase, load_base
from pipelines.bases.weights_request import WeightsRequest, parse_weights

__all__ = [
    "BASES",
    "IN_MODEL",
    "POOLINGS",
    "PREPROCESSINGS",
    "SCALINGS",
    "Base",
    "FileFacts",
    "LoadedBase",
    "Scaling",
    "WeightsRequest",
    "base_named",
    "base_of",
    "build",
    "check_preprocessing",
    "check_scaling",
    "cut",
    "facts_of",
    "file_of",
    "fingerprint",
    "imagenet_classes",
    "is_from_file",
    "known_fingerprint",
    "load_base",
    "parse_base",
    "parse_weights",
    "prepare",
    "preprocess",
    "scaling_of",
]
