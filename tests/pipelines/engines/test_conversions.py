"""Converted bases on disk: made once, made again when damaged or planted, never half-made."""

import errno
import hashlib
import json
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.contract import Contract
from pipelines.engines.conversions import conversion_of
from pipelines.engines.kinds import EngineKind
from pipelines.errors import UnsuitableEngineError


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract(
        base="VGG16",
        weights="0" * 64,
        image_size=32,
        interpolation="bilinear",
        orientation="ignored",
        preprocessing="imagenet",
        layer="block5_pool",
        pooling="none",
        compute_dtype="float32",
        precision="float32",
    )


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


def test_a_disk_that_is_full_for_a_library_is_no_obstacle(contract, capsys):
    """OpenVINO's stream says `basic_ios::clear` where Python says that no space is left."""
    contract = replace(contract, weights="of this test, on a full disk")
    made: list[Path] = []
    kind, really_make = counting_kind(made)

    def make(folder: Path) -> None:
        if "cache" in folder.parts:
            raise RuntimeError("basic_ios::clear: iostream error")
        really_make(folder)

    folder = conversion_of(kind, contract, make)
    assert (folder / "model").read_bytes() == b"weights"
    assert "takes no conversion; making one without it (basic_ios::clear" in capsys.readouterr().err
    assert conversion_of(kind, contract, make) == folder
    assert len(made) == 1


def test_what_is_wrong_with_an_engine_is_not_blamed_on_the_cache(contract):
    made: list[Path] = []
    kind, _ = counting_kind(made)

    def make(folder: Path) -> None:
        made.append(folder)
        raise UnsuitableEngineError("no chain holds it")

    with pytest.raises(UnsuitableEngineError):
        conversion_of(kind, contract, make)
    assert len(made) == 1


def planted(folder: Path) -> None:
    """Another conversion in the place of one, with digests that are right."""
    (folder / "model").write_bytes(b"wrong ones")
    digests = json.loads((folder / "digests.json").read_text())
    digests["model"] = hashlib.sha256(b"wrong ones").hexdigest()
    (folder / "digests.json").write_text(json.dumps(digests))


def unsigned(folder: Path) -> None:
    """As an older version, or somebody who knows of no signature, would have left it."""
    planted(folder)
    digests = json.loads((folder / "digests.json").read_text())
    del digests["signature"]
    (folder / "digests.json").write_text(json.dumps(digests))


def emptied(folder: Path) -> None:
    """Nothing is listed, so that nothing has a digest that could be wrong."""
    (folder / "model").write_bytes(b"wrong ones")
    (folder / "digests.json").write_text("{}")


@pytest.mark.parametrize("spoil", [planted, unsigned, emptied])
def test_a_planted_conversion_is_found_and_made_anew(contract, spoil):
    made: list[Path] = []
    kind, make = counting_kind(made)
    folder = conversion_of(kind, contract, make)
    spoil(folder)
    assert conversion_of(kind, contract, make) == folder
    assert (folder / "model").read_bytes() == b"weights"
    assert len(made) == 2
    assert conversion_of(kind, contract, make) == folder
    assert len(made) == 2


def test_another_contract_s_conversion_cannot_be_put_in_the_place_of_one(contract):
    made: list[Path] = []
    kind, make = counting_kind(made)
    one = conversion_of(kind, contract, make)
    other = conversion_of(kind, replace(contract, weights="other"), make)
    shutil.rmtree(one)
    shutil.copytree(other, one)
    assert conversion_of(kind, contract, make) == one
    assert len(made) == 3


def test_a_conversion_in_a_folder_that_others_may_write_is_not_used(contract, tmp_path):
    contract = replace(contract, weights="of this test, where others write")
    made: list[Path] = []
    kind, make = counting_kind(made)
    folder = conversion_of(kind, contract, make)
    (tmp_path / "cache/converted").chmod(0o777)
    here = conversion_of(kind, contract, make)
    assert not here.is_relative_to(tmp_path / "cache")
    assert (here / "model").read_bytes() == b"weights"
    assert here.parents[1].stat().st_mode & 0o777 == 0o700
    (tmp_path / "cache/converted").chmod(0o755)
    assert conversion_of(kind, contract, make) == folder


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_others_may_read_a_conversion_and_not_write_it(contract, tmp_path, mask):
    before = os.umask(mask)
    try:
        folder = conversion_of(*_made_by(counting_kind([]), contract))
    finally:
        os.umask(before)
    files = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    above = [folder, *folder.parents[:4]]
    assert above[-1] == tmp_path
    assert files == {0o644}
    assert {stat.S_IMODE(path.stat().st_mode) for path in above[:-1]} == {0o755}


def _made_by(kind_and_make, contract):
    kind, make = kind_and_make
    return kind, contract, make


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
