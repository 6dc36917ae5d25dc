"""A few images and the job that makes two copies of each to train on."""

import shutil

import pytest


@pytest.fixture
def images(dataset, tmp_path):
    """Eight images of each class to train on and four to validate."""
    for split, count in (("train", 8), ("validation", 4)):
        for label in ("dark", "light"):
            folder = tmp_path / "images" / split / label
            folder.mkdir(parents=True)
            for path in sorted((dataset / split / label).iterdir())[:count]:
                shutil.copy(path, folder)
    return tmp_path / "images"


@pytest.fixture
def job(images, make_job, tmp_path):
    return make_job(images, tmp_path / "features", shard_rows=16, engine="keras", copies=2)
