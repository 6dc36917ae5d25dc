"""What the tests of commands share."""

from pathlib import Path

import pytest

from classifiers import train


def run_train(table: Path, head: str, model: Path, *more: str) -> int:
    return train.main(["--table", str(table), "--head", head, "--model", str(model), *more])


@pytest.fixture(scope="session")
def logistic(table, tmp_path_factory) -> Path:
    """A logistic regression on the tiny table; tests must not change it."""
    folder = tmp_path_factory.mktemp("models") / "logistic"
    assert run_train(table, "logistic", folder) == 0
    return folder
