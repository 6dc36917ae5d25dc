"""The bases of `keras.applications` this project can freeze."""

from pipelines.bases.building import build
from pipelines.bases.catalogue import BASES, IN_MODEL, Base, base_named
from pipelines.bases.cutting import POOLINGS, cut
from pipelines.bases.imagenet import imagenet_classes
from pipelines.bases.preprocessing import PREPROCESSINGS, check_preprocessing, preprocess

__all__ = [
    "BASES",
    "IN_MODEL",
    "POOLINGS",
    "PREPROCESSINGS",
    "Base",
    "base_named",
    "build",
    "check_preprocessing",
    "cut",
    "imagenet_classes",
    "preprocess",
]
