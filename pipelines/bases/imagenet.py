"""The classes that the tops of all bases tell apart."""

import functools
from pathlib import Path
from typing import NamedTuple

CLASSES_FILE = Path(__file__).with_name("imagenet_classes.txt")


class ImageNetClass(NamedTuple):
    """A class of the ImageNet challenge of 2012.

    Attributes:
        wordnet_id: its synset in WordNet 3.0, such as "n02123045".
        name: as Keras's `decode_predictions` gives it, such as "tabby"; two may share one.
    """

    wordnet_id: str
    name: str


@functools.cache
def imagenet_classes() -> tuple[ImageNetClass, ...]:
    """The thousand classes, in the order of the probabilities that a base's top gives."""
    lines = CLASSES_FILE.read_text(encoding="utf-8").splitlines()
    return tuple(ImageNetClass(*line.split()) for line in lines if not line.startswith("#"))
