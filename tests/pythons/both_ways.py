"""What one Python wrote, another one uses: FROZEN_FEATURES_OTHER_PYTHON names the other."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def version(python: str) -> str:
    done = subprocess.run([python, "--version"], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def other() -> str:
    python = os.environ["FROZEN_FEATURES_OTHER_PYTHON"]
    assert version(python) != version(sys.executable)
    return python


def work(python: str, what: str, folder) -> None:
    command = [python, "-m", "tests.pythons.work", what, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{what} with {version(python)}{done.stderr[-3000:]}"


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_tables_models_and_unfinished_runs_of_either_are_the_other_s_too(other, tmp_path, first):
    pythons = [sys.executable, other]
    writer, user = pythons if first == "ours" else reversed(pythons)
    work(writer, "write", tmp_path)
    work(user, "use", tmp_path)
