"""What is kept in the cache: whole files, which those who share it can read."""

import json
import os
import stat

import pytest

from pipelines.bases import WeightsRequest, base_named, known_fingerprint
from pipelines.bases.fingerprints import remember_fingerprint
from pipelines.system.cache import keep_json


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize(("mask", "given"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_a_file_is_readable_by_those_whom_the_umask_lets(tmp_path, umask, mask, given):
    umask(mask)
    keep_json(tmp_path / "new" / "a.json", {"a": 1})
    assert json.loads((tmp_path / "new/a.json").read_text()) == {"a": 1}
    assert mode(tmp_path / "new/a.json") == given
    (tmp_path / "new/a.json").chmod(0o600)  # as earlier versions left it
    keep_json(tmp_path / "new" / "a.json", {"a": 2})
    assert mode(tmp_path / "new/a.json") == given


@pytest.mark.parametrize("error", [OSError("the disk is full"), KeyboardInterrupt()])
def test_what_is_not_written_to_its_end_leaves_what_was_there(tmp_path, monkeypatch, error):
    keep_json(tmp_path / "a.json", {"a": 1})

    def half(_values, file, **_settings):
        file.write('{"a":')
        raise error

    monkeypatch.setattr(json, "dump", half)
    try:
        keep_json(tmp_path / "a.json", {"a": 2})
    except KeyboardInterrupt:
        assert isinstance(error, KeyboardInterrupt)
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [tmp_path / "a.json"]


def test_a_cache_that_cannot_be_written_is_none(tmp_path):
    (tmp_path / "cache").write_text("a file")
    keep_json(tmp_path / "cache" / "a.json", {"a": 1})
    assert (tmp_path / "cache").read_text() == "a file"


def test_fingerprints_are_kept_for_all_who_share_the_cache(tmp_path, umask):
    base = base_named("VGG16")
    for seed in (1, 2):
        remember_fingerprint(base, 32, WeightsRequest("random", seed=seed), f"{seed}" * 64)
    (kept,) = (tmp_path / "cache").iterdir()
    assert (kept.name, mode(kept)) == ("fingerprints.json", 0o644)
    for seed in (1, 2):
        assert known_fingerprint(base, 32, WeightsRequest("random", seed=seed)) == f"{seed}" * 64
