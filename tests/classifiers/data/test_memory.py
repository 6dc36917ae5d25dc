"""The memory budget: how it is written, and what it is by default."""

import argparse

import pytest

from classifiers.data.memory import default_budget, memory_budget, show_size
from pipelines.system import cgroups
from pipelines.system.memory import usable_memory


@pytest.mark.parametrize(
    ("text", "size"),
    [("8G", 8 * 10**9), ("500M", 5 * 10**8), ("1.5gb", 15 * 10**8), ("64k", 64000), ("7", 7)],
)
def test_sizes(text, size):
    assert memory_budget(text).size == size


@pytest.mark.parametrize("text", ["", "0", "-1G", "lots", "8X", "1e9", "G", "0.1"])
def test_what_is_no_size(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is no size such as 8G"):
        memory_budget(text)


def test_sizes_for_people():
    sizes = (999, 65_536, 1_638_400_000)
    assert [show_size(size) for size in sizes] == ["999 bytes", "65.5 kB", "1.64 GB"]


def test_the_least_limit_of_the_groups_above_counts(tmp_path, monkeypatch):
    inner = tmp_path / "groups/jobs/one"
    inner.mkdir(parents=True)
    (inner / "memory.max").write_text("max\n")
    (tmp_path / "groups/jobs/memory.max").write_text("3000000\n")
    old = tmp_path / "groups/memory/docker"
    old.mkdir(parents=True)
    (old / "memory.limit_in_bytes").write_text("2000000\n")
    (tmp_path / "memory.max").write_text("1\n")  # outside of what is mounted
    membership = tmp_path / "cgroup"
    membership.write_text("4:cpu:/x\n3:hugetlb,memory:/docker/gone/\n0::/jobs/one\n")
    monkeypatch.setattr(cgroups, "MEMBERSHIP", membership)
    monkeypatch.setattr(cgroups, "GROUPS", tmp_path / "groups")
    assert usable_memory() == 2_000_000
    assert default_budget().size == 1_000_000
    assert default_budget().reason == "half of the 2 MB this process may use"
    (old / "memory.limit_in_bytes").write_text("4000000\n")
    assert usable_memory() == 3_000_000
