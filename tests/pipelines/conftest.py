"""Tables that are made once; tests change copies of them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.driver import extract
from pipelines.job import ExtractJob
from tests.conftest import write_image

IMAGES, FEATURES = "images", "features"


@pytest.fixture(scope="session")
def first_night(
    dataset: Path, make_job: Callable[..., ExtractJob], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with the dataset and its table, in files of 16 rows."""
    root = tmp_path_factory.mktemp("first-night")
    shutil.copytree(dataset, root / IMAGES)
    extract(make_job(root / IMAGES, root / FEATURES, shard_rows=16))
    return root


@pytest.fixture(scope="session")
def five_nights(
    first_night: Path, make_job: Callable[..., ExtractJob], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same after four more runs, of a new image and a changed one each."""
    root = tmp_path_factory.mktemp("five-nights") / "root"
    shutil.copytree(first_night, root)
    for night in range(4):
        write_image(root / f"{IMAGES}/train/dark/new{night}.png", seed=night)
        write_image(root / f"{IMAGES}/train/dark/dark00{night}.png", seed=100 + night)
        extract(make_job(root / IMAGES, root / FEATURES, shard_rows=16))
    return root
