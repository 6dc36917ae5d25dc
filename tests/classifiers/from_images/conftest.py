"""The tiny data set as trainings on images hold it."""

import pytest

from classifiers.data.images import labelled
from classifiers.from_images.image_set import hold_images
from pipelines.images.decode import PixelSpec
from pipelines.images.listing import list_images

CLASSES = ("dark", "light")
PIXELS = PixelSpec(32, "bilinear", "ignored")


@pytest.fixture(scope="session")
def image_sets(dataset):
    """Its images at 32 x 32, by split."""
    refs = list_images(str(dataset))
    splits = ("train", "validation")
    return {split: hold_images(labelled(refs, split, CLASSES), PIXELS) for split in splits}
