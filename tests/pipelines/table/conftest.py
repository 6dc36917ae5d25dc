"""A hand-written table and its images, for tests that need no base."""

import shutil
from pathlib import Path

import pytest

from tests.pipelines.table.trees import copy, write_images, write_table


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> Path:
    """A folder with `images` and their `table`; tests must not change it."""
    root = tmp_path_factory.mktemp("written")
    write_table(root / "table", write_images(root / "images"))
    return root


@pytest.fixture
def small(written, tmp_path) -> Path:
    """The same, to be changed: the table's folder."""
    shutil.copytree(written / "images", tmp_path / "images")
    return copy(written / "table", tmp_path / "table")
