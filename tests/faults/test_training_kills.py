"""A training that is killed again and again ends with the weights of an undisturbed one.

Two kills at random epochs, or ten with FROZEN_FEATURES_ALL_KILLS=1. All runs share a machine and
its number of threads, so weights are compared bit by bit.
"""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from classifiers.models.folder import load_model, read_card
from tests.classifiers.tables import write_table
from tests.conftest import ROOT
from tests.faults.commands import finish

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

EPOCHS = 60
KILLS = 10 if os.environ.get("FROZEN_FEATURES_ALL_KILLS") else 2


def command(table: Path, model: Path) -> list[str]:
    arguments = ["--table", str(table), "--model", str(model), "--head", "dense", "--units", "64"]
    arguments += ["--epochs", str(EPOCHS), "--keep", "best", "--checkpoint_every", "0"]
    return [sys.executable, "-m", "classifiers.train", *arguments]


def kill_at(arguments: list[str], epoch: int) -> tuple[int, list[str]]:
    """Kill it when it tells of an epoch; gives the last that it told of, and all that it said."""
    process = subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith(f"epoch {epoch} of "):
            process.kill()
            break
    said += process.stderr.readlines()
    process.stderr.close()
    assert process.wait() == -9, said
    told = [int(found[1]) for line in said if (found := re.match(r"epoch (\d+) of", line))]
    return told[-1], said


def test_kills_at_random_epochs_change_no_weight(tmp_path):
    table, whole, broken = tmp_path / "features", tmp_path / "whole", tmp_path / "broken"
    write_table(table, {"train": 40, "validation": 10}, ("cat", "dog"))
    finish(command(table, whole))

    seed = random.randrange(10**6)
    print(f"seed {seed}")
    epochs = sorted(random.Random(seed).sample(range(2, EPOCHS - 20), KILLS))
    reached = 0
    for epoch in epochs:
        if epoch <= reached + 1:
            continue
        last, said = kill_at(command(table, broken), epoch)
        told = [line for line in said if line.startswith("goes on after epoch ")]
        assert bool(told) == bool(reached)
        if told:
            # The state of the very last epoch may not have been whole when the kill came.
            assert int(told[0].split()[4].strip(",")) in (reached - 1, reached)
        assert not broken.exists()
        reached = last
    done = finish(command(table, broken))
    assert "goes on after epoch " in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "features", "whole"]

    one, other = (
        [each.numpy() for each in load_model(model).head._network.weights]
        for model in (whole, broken)
    )
    for found, wanted in zip(other, one, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert (broken / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
    wanted, found = read_card(whole).course, read_card(broken).course
    assert (found.kept, found.epochs) == (wanted.kept, EPOCHS)
