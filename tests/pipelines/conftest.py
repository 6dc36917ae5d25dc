"""A table of several nights, made once; tests change copies of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.driver import extract
from pipelines.planning.job import ExtractJob
from tests.conftest import copy_table, write_image


@pytest.fixture(scope="session")
def five_nights(
    dataset: Path,
    table: Path,
    make_job: Callable[..., ExtractJob],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A folder with `images`, the dataset, and their table `features` after four more runs, of a
    new image and a changed one each."""
    root = tmp_path_factory.mktemp("five-nights")
    shutil.copytree(dataset, root / "images")
    copy_table(table, root / "features")
    for night in range(4):
        write_image(root / f"images/train/dark/new{night}.png", seed=night)
        write_image(root / f"images/train/dark/dark00{night}.png", seed=100 + night)
        extract(make_job(root / "images", root / "features", shard_rows=16))
    return root
