"""Cores and cards that a process may use, found without loading a library."""

import os

import pytest

from pipelines.system import cores


@pytest.mark.parametrize(
    ("limit", "cores_found"), [("max 100000", 64), ("150000 100000", 2), ("50000 100000", 1)]
)
def test_a_container_s_limit_counts(tmp_path, monkeypatch, limit, cores_found):
    (tmp_path / "cpu.max").write_text(limit)
    monkeypatch.setattr(cores, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert cores.usable_cores() == cores_found


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
    monkeypatch.setattr(cores, "DEVICES", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert cores.visible_gpus() == seen
