"""One Flink cluster, one set of photographs and one reference table for the tests of a session."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from tests.cluster.flink import FlinkCluster, flink_cluster
from tests.cluster.runs import embedded
from tests.photographs import some_photographs

HERE = Path(__file__).parent

CLOSED_LATE = ("default::ResourceWarning", "default::pytest.PytestUnraisableExceptionWarning")
"""Pipes and sockets of processes that are killed in the middle are closed when they are collected,
which may be in another test."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is closed late is told, and fails no test that happens to run then."""
    for item in items:
        if HERE in item.path.parents:
            for rule in CLOSED_LATE:
                item.add_marker(pytest.mark.filterwarnings(rule))


@pytest.fixture(scope="session")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, engines_cache: Path
) -> Iterator[FlinkCluster]:
    """Two TaskManagers of one slot, each with its worker pool."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FROZEN_FEATURES_CACHE", str(engines_cache))
        with flink_cluster(tmp_path_factory.mktemp("flink") / "cluster") as started:
            yield started


@pytest.fixture(scope="session")
def engines_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Converted engines, kept for all runs of the session: a worker pool outlives a test."""
    return tmp_path_factory.mktemp("engines")


@pytest.fixture(autouse=True)
def _one_cache(engines_cache: Path, _own_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROZEN_FEATURES_CACHE", str(engines_cache))


@pytest.fixture(scope="session")
def four_hundred(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 photographs of two classes in two splits."""
    return some_photographs(photographs, tmp_path_factory.mktemp("images"), train=150, test=50)


@pytest.fixture(scope="session")
def reference(
    four_hundred: Path, tmp_path_factory: pytest.TempPathFactory, engines_cache: Path
) -> pa.Table:
    """What the embedded runner makes of them."""
    rows = embedded(four_hundred, tmp_path_factory.mktemp("reference") / "features", engines_cache)
    assert rows.num_rows == 400
    return rows
