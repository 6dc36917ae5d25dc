"""Trainings on real photographs learn; short ones, for the figures of long ones are kept apart."""

import pytest

from classifiers.models.folder import read_card
from tests.classifiers.from_images.test_commands import run_on_images
from tests.photographs import some_photographs

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]


def test_the_convnet_learns(photographs, tmp_path):
    more = ["--image_size", "48", "--epochs", "7", "--learning_rate", "0.0005"]
    images = some_photographs(photographs, tmp_path / "images", train=700, validation=200)
    assert run_on_images(images, "convnet", tmp_path / "m", *more) == 0
    card = read_card(tmp_path / "m")
    print(f"validation {card.metrics['validation']['accuracy']:.3f} in {card.seconds:.0f} s")
    assert card.rows == {"train": 1400, "validation": 400}
    assert card.metrics["validation"]["accuracy"] >= 0.62


def test_the_base_end_to_end_learns_from_few(photographs, imagenet_weights, tmp_path):
    more = ["--image_size", "64", "--epochs", "4", "--learning_rate", "0.0001"]
    weights = ["--weights", str(imagenet_weights)]
    images = some_photographs(photographs, tmp_path / "images", train=120, validation=80)
    assert run_on_images(images, "dense", tmp_path / "m", *more, *weights) == 0
    card = read_card(tmp_path / "m")
    print(f"validation {card.metrics['validation']['accuracy']:.3f} in {card.seconds:.0f} s")
    assert card.metrics["validation"]["accuracy"] >= 0.65
