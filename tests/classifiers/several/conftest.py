"""What the tests of models of several labels share."""

from pathlib import Path

import pytest

from tests.classifiers.conftest import run_train
from tests.classifiers.several.tables import ROWS, drawn, write_several


@pytest.fixture(scope="session")
def several(tmp_path_factory) -> Path:
    """A table of images with several labels each; tests must not change it."""
    folder = tmp_path_factory.mktemp("several") / "features"
    write_several(folder, {split: drawn(split) for split in ROWS})
    return folder


@pytest.fixture(scope="session")
def tagger(several, tmp_path_factory) -> Path:
    """A logistic regression a label on that table; tests must not change it."""
    folder = tmp_path_factory.mktemp("models") / "tagger"
    assert run_train(several, "logistic", folder, "--C", "0.1") == 0
    return folder
