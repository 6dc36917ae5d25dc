"""Cores and cards that a process may use, found without loading a library."""

import os

import pytest

from pipelines.system import cgroups, gpus
from pipelines.system.cores import usable_cores


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A machine of 64 cores; gives the folder where its control groups are mounted."""
    monkeypatch.setattr(cgroups, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(cgroups, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    (tmp_path / "membership").write_text("4:cpu,cpuacct:/docker/abc\n0::/jobs/one\n")
    return tmp_path / "groups"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


@pytest.mark.parametrize(
    ("limit", "cores"), [("max 100000", 64), ("150000 100000", 2), ("50000 100000", 1)]
)
@pytest.mark.parametrize("group", ["jobs/one", "jobs", "."])
def test_a_container_s_limit_counts(groups, limit, cores, group):
    write(groups / group / "cpu.max", limit)
    assert usable_cores() == cores


def test_the_least_limit_of_the_groups_above_counts(groups):
    write(groups / "cpu.max", "800000 100000")
    write(groups / "jobs/cpu.max", "300000 100000")
    write(groups / "jobs/one/cpu.max", "max 100000")
    assert usable_cores() == 3


@pytest.mark.parametrize("group", ["cpu/docker/abc", "cpu"])
def test_the_first_version_of_control_groups_counts_too(groups, group):
    write(groups / group / "cpu.cfs_quota_us", "-1")
    write(groups / group / "cpu.cfs_period_us", "100000")
    assert usable_cores() == 64
    write(groups / group / "cpu.cfs_quota_us", "250000")
    assert usable_cores() == 3


def test_without_control_groups_all_cores_count(groups):
    assert usable_cores() == 64


@pytest.mark.parametrize(
    ("named", "seen"),
    [
        (None, ("0", "1", "10")),
        ("1", ("1",)),
        ("", ()),
        ("-1", ()),
        ("GPU-a, GPU-b", ("GPU-a", "GPU-b")),
    ],
)
def test_cards_are_found_without_a_library(tmp_path, monkeypatch, named, seen):
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    monkeypatch.setattr(gpus, "DEVICES", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert gpus.visible_gpus() == seen
