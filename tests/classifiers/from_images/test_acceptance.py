"""Trainings on real photographs learn; short ones, for the figures of long ones are kept apart."""

import pytest

from classifiers.models.folder import read_card
from tests.classifiers.from_images.test_commands import run_on_images

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]


@pytest.fixture
def some_photographs(photographs, tmp_path):
    """120 of each class to train on and 80 to validate."""
    for split, count in (("train", 120), ("validation", 80)):
        for label in ("cats", "dogs"):
            folder = tmp_path / "images" / split / label
            folder.mkdir(parents=True)
            for path in sorted((photographs / split / label).iterdir())[:count]:
                (folder / path.name).symlink_to(path)
    return tmp_path / "images"


def test_the_convnet_learns(photographs, tmp_path):
    more = ["--image_size", "48", "--epochs", "7", "--learning_rate", "0.0005"]
    assert run_on_images(photographs, "convnet", tmp_path / "m", *more) == 0
    card = read_card(tmp_path / "m")
    print(f"validation {card.metrics['validation']['accuracy']:.3f} in {card.seconds:.0f} s")
    assert card.rows == {"train": 1999, "validation": 1000}
    assert card.metrics["validation"]["accuracy"] >= 0.62


def test_the_base_end_to_end_learns_from_few(some_photographs, imagenet_weights, tmp_path):
    more = ["--image_size", "64", "--epochs", "4", "--learning_rate", "0.0001"]
    weights = ["--weights", str(imagenet_weights)]
    assert run_on_images(some_photographs, "dense", tmp_path / "m", *more, *weights) == 0
    card = read_card(tmp_path / "m")
    print(f"validation {card.metrics['validation']['accuracy']:.3f} in {card.seconds:.0f} s")
    assert card.metrics["validation"]["accuracy"] >= 0.65
