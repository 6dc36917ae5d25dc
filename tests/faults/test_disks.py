"""Disks that are full and folders that may not be written any more."""

import os
import subprocess
from pathlib import Path

import pytest

from pipelines.table.feature_table import FeatureTable
from tests.conftest import ROOT, write_dataset
from tests.faults.commands import command, content, finish

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]


@pytest.fixture(autouse=True)
def _own_cache(_session_cache: None) -> None:
    """One cache for all of this module, so that the base is converted once."""


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("images")
    return write_dataset(root, {"train": 60, "test": 20}, ("dark", "light"))


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 400 KiB, for real; making one takes root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here: that takes root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_full_disk(images, small_disk, tmp_path):
    first = tmp_path / "few"
    write_dataset(first, {"train": 4}, ("dark", "light"))
    table = small_disk / "features"
    finish(command(first, table))
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 100_000)
    for split in ("train", "test"):
        target = first / split
        target.mkdir(exist_ok=True)
        for path in (images / split).rglob("*.png"):
            (target / path.parent.name).mkdir(exist_ok=True)
            (target / path.parent.name / path.name).write_bytes(path.read_bytes())
    full = run(command(first, table))
    assert full.returncode == 1
    last = full.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert "No space left on device" in last
    assert "Traceback" not in full.stderr
    assert FeatureTable.open(str(table)).version == 1
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    finish(command(first, table))
    finish(command(first, tmp_path / "fresh"))
    assert content(table).equals(content(tmp_path / "fresh"))


def test_a_folder_that_may_no_longer_be_written(images, small_disk, tmp_path):
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    first = tmp_path / "few"
    write_dataset(first, {"train": 4}, ("dark", "light"))
    table = small_disk / "features"
    finish(command(first, table))
    write_dataset(first, {"test": 4}, ("dark", "light"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    refused = run(command(first, table))
    assert refused.returncode == 1
    last = refused.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert "Read-only file system" in last or "no right to write" in last
    assert FeatureTable.open(str(table)).version == 1
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    finish(command(first, table))
    finish(command(first, tmp_path / "fresh"))
    assert content(table).equals(content(tmp_path / "fresh"))
