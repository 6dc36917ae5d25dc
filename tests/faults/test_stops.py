"""A run that is asked to stop, on one process and on several, and two runs at one time."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from pipelines.system.signals import MESSAGE
from pipelines.table.feature_table import FeatureTable
from tests.conftest import write_dataset
from tests.faults.commands import command, content, finish, start
from tests.processes import children_of, command_line, end_soon

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

TWO_PROCESSES = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


@pytest.fixture(autouse=True)
def _own_cache(_session_cache: None) -> None:
    """One cache for all of this module, so that the base is converted once."""


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("images")
    return write_dataset(root, {"train": 120, "test": 40}, ("dark", "light"))


@pytest.fixture(scope="module")
def undisturbed(images, tmp_path_factory) -> Path:
    table = tmp_path_factory.mktemp("undisturbed") / "features"
    finish(command(images, table))
    return table


def wait_for_shards(table: Path, process: subprocess.Popen[str], count: int) -> None:
    while process.poll() is None and len(list((table / "data").glob("*.parquet"))) < count:
        time.sleep(0.005)
    assert process.poll() is None, "it finished before it could be stopped"


def trials_of(pid: int) -> list[int]:
    """Processes of a race; libraries start short-lived ones of their own when they are imported."""
    return [child for child in children_of(pid) if "engines.trial" in command_line(child)]


@pytest.mark.parametrize(
    ("number", "flags"), [(signal.SIGINT, TWO_PROCESSES), (signal.SIGTERM, ())]
)
def test_a_stop_is_clean_and_says_how_to_resume(images, undisturbed, tmp_path, number, flags):
    table = tmp_path / "features"
    process = start(command(images, table, *flags))
    wait_for_shards(table, process, 3)
    workers = children_of(process.pid)
    assert bool(workers) == bool(flags)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert said.rstrip().endswith(MESSAGE)
    assert "Traceback" not in said
    assert end_soon(workers)
    assert FeatureTable.open_if_exists(str(table)) is None
    done = finish(command(images, table))
    assert "finished by an earlier run" in done.stderr
    assert content(table).equals(content(undisturbed))


def test_a_stop_in_the_middle_of_a_race_leaves_nothing(images, tmp_path, monkeypatch):
    desks = tmp_path / "temporary"
    desks.mkdir()
    monkeypatch.setenv("TMPDIR", str(desks))
    monkeypatch.setenv("FROZEN_FEATURES_CACHE", str(tmp_path / "cache"))
    process = start(command(images, tmp_path / "features", "--engine", "auto"))
    while process.poll() is None and not (trials := trials_of(process.pid)):
        time.sleep(0.01)
    assert trials, process.communicate()[1]
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert said.rstrip().endswith(MESSAGE)
    assert end_soon(trials)
    # TensorFlow leaves a small file of its own, and Python its bytecode; what is ours are folders.
    left = [path for path in desks.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert left == []
    drafts = [path for path in (tmp_path / "cache").rglob("*") if path.name.startswith(".draft")]
    assert drafts == []
    assert not (tmp_path / "features").exists()


def test_two_runs_started_together(images, undisturbed, tmp_path):
    table = tmp_path / "features"
    both = [start(command(images, table)) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    statuses = [process.returncode for process in both]
    assert statuses in ([0, 0], [0, 1], [1, 0]), said
    for status, text in zip(statuses, said, strict=True):
        if status:
            assert text.splitlines()[-1].startswith("error: "), text
    assert content(table).equals(content(undisturbed))
    ids = FeatureTable.open(str(table)).keys()["image_id"].to_pylist()
    assert len(ids) == len(set(ids)) == 320


def test_an_input_that_goes_away_half_way(images, undisturbed, tmp_path):
    import shutil

    mine = tmp_path / "images"
    shutil.copytree(images, mine)
    table = tmp_path / "features"
    process = start(command(mine, table))
    wait_for_shards(table, process, 3)
    mine.rename(tmp_path / "elsewhere")
    _, said = process.communicate()
    assert process.returncode == 1
    assert "images failed, more than the 10 allowed" in said.splitlines()[-1]
    assert FeatureTable.open_if_exists(str(table)) is None
    gone = start(command(mine, table))
    gone.communicate()
    assert gone.returncode == 2
    (tmp_path / "elsewhere").rename(mine)
    finish(command(mine, table))
    assert content(table).equals(content(undisturbed))
