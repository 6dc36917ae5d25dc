"""Converted bases on disk: made once, made again when damaged, never half-made."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.contract import Contract
from pipelines.engines.conversions import conversion_of
from pipelines.engines.kinds import EngineKind
from pipelines.planning.job import make_contract
from tests.conftest import TINY


@pytest.fixture(scope="module")
def contract() -> Contract:
    return make_contract(TINY)


def counting_kind(made):
    """A kind whose conversions are counted; only `conversion_of` deals with it."""

    def convert(*_):
        pytest.fail("conversions are made by `make`")

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "model").write_bytes(b"weights")

    return EngineKind("count", "numpy", 1, convert, None), make


def test_a_conversion_is_made_once_and_again_when_damaged(contract):
    made: list[Path] = []
    kind, make = counting_kind(made)
    folder = conversion_of(kind, contract, make)
    assert conversion_of(kind, replace(contract, interpolation="nearest"), make) == folder
    assert len(made) == 1
    (folder / "model").write_bytes(b"weightt")
    assert conversion_of(kind, contract, make) == folder
    assert (folder / "model").read_bytes() == b"weights"
    assert conversion_of(kind, replace(contract, weights="other"), make) != folder
    assert len(made) == 3
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".draft")] == []


def test_what_a_killed_process_left_is_cleared_away(contract, tmp_path):
    kind, make = counting_kind([])
    folder = conversion_of(kind, contract, make).parent
    old, fresh = folder / ".draft-old", folder / ".draft-fresh"
    for draft in (old, fresh):
        draft.mkdir()
        (draft / "model").touch()
    os.utime(old, (0, 0))
    conversion_of(kind, replace(contract, weights="other"), make)
    assert (old.exists(), fresh.exists()) == (False, True)


def test_a_full_cache_is_no_obstacle(contract):
    made: list[Path] = []
    kind, really_make = counting_kind(made)

    def make(folder: Path) -> None:
        if "converted" in folder.parts:
            raise OSError(errno.ENOSPC, "No space left on device")
        really_make(folder)

    folder = conversion_of(kind, contract, make)
    assert (folder / "model").read_bytes() == b"weights"
    assert "converted" not in folder.parts


def test_a_conversion_lives_without_a_cache(contract, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FROZEN_FEATURES_CACHE", str(tmp_path / "file"))
    contract = replace(contract, weights="of this test")
    made: list[Path] = []
    kind, make = counting_kind(made)
    folder = conversion_of(kind, contract, make)
    assert (folder / "model").read_bytes() == b"weights"
    assert conversion_of(kind, contract, make) == folder
    assert len(made) == 1
