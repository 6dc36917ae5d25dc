"""What is kept in the cache: whole files, which others can read, and which only this user wrote."""

import json
import os
import stat
from pathlib import Path

import pytest

from pipelines.bases import WeightsRequest, base_named, known_fingerprint
from pipelines.bases.fingerprints import remember_fingerprint
from pipelines.errors import UsageError
from pipelines.system import cache, cached_json, owners, signing
from pipelines.system.cache import cache_folder, make_cache_folder, may_use_cache
from pipelines.system.cached_json import keep_json, kept_json

BASE = base_named("VGG16")


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def key(tmp_path, monkeypatch) -> Path:
    """A key of this test's own; nothing has made it yet."""
    path = tmp_path / "keys" / "cache.key"
    monkeypatch.setenv("FROZEN_FEATURES_CACHE_KEY", str(path))
    return path


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_all_that_is_in_it_has_one_mode(root, umask, mask):
    umask(mask)
    keep_json("new/a.json", {"a": 1})
    assert kept_json("new/a.json") == {"a": 1}
    assert (mode(root / "new/a.json"), mode(root / "new"), mode(root)) == (0o644, 0o755, 0o755)
    (root / "new/a.json").chmod(0o600)  # as earlier versions left it
    keep_json("new/a.json", {"a": 2})
    assert mode(root / "new/a.json") == 0o644


@pytest.mark.parametrize("error", [OSError("the disk is full"), KeyboardInterrupt()])
def test_what_is_not_written_to_its_end_leaves_what_was_there(root, monkeypatch, error):
    keep_json("a.json", {"a": 1})

    def broken(*_args):
        raise error

    monkeypatch.setattr(os, "fchmod", broken)
    try:
        keep_json("a.json", {"a": 2})
    except KeyboardInterrupt:
        assert isinstance(error, KeyboardInterrupt)
    assert kept_json("a.json") == {"a": 1}
    assert list(root.iterdir()) == [root / "a.json"]


def test_a_cache_that_cannot_be_written_is_none(root):
    root.write_text("a file")
    keep_json("a.json", {"a": 1})
    assert root.read_text() == "a file"
    assert kept_json("a.json") is None


def test_fingerprints_are_kept(root, umask):
    for seed in (1, 2):
        remember_fingerprint(BASE, 32, WeightsRequest("random", seed=seed), f"{seed}" * 64)
    (kept,) = root.iterdir()
    assert (kept.name, mode(kept)) == ("fingerprints.json", 0o644)
    for seed in (1, 2):
        assert known_fingerprint(BASE, 32, WeightsRequest("random", seed=seed)) == f"{seed}" * 64


def test_a_fingerprint_that_somebody_put_there_is_not_believed(root, capsys):
    asked = WeightsRequest("random", seed=1)
    remember_fingerprint(BASE, 32, asked, "1" * 64)
    planted = (root / "fingerprints.json").read_text().replace("1" * 64, "2" * 64)
    (root / "fingerprints.json").write_text(planted)
    assert known_fingerprint(BASE, 32, asked) is None
    assert "was not signed with this user's key; it is made anew" in capsys.readouterr().err
    remember_fingerprint(BASE, 32, asked, "1" * 64)
    assert known_fingerprint(BASE, 32, asked) == "1" * 64


@pytest.mark.parametrize("signed", [None, 5, "", "é", ["x"], {}])
def test_what_is_not_signed_is_made_anew(root, signed):
    keep_json("a.json", {"a": 1})
    (root / "a.json").write_text(json.dumps({"a": 1, "signature": signed}))
    assert kept_json("a.json") is None
    (root / "a.json").write_text('{"a": 1}')
    assert kept_json("a.json") is None


def test_a_signed_file_under_another_name_is_not_believed(root):
    keep_json("a.json", {"a": 1})
    (root / "a.json").rename(root / "b.json")
    assert kept_json("b.json") is None


def test_a_file_that_is_none_is_not_waited_for(root):
    keep_json("a.json", {"a": 1})
    (root / "a.json").unlink()
    os.mkfifo(root / "a.json")
    assert kept_json("a.json") is None


@pytest.mark.parametrize("place", [".", "deep", "deep/a.json"])
@pytest.mark.parametrize("writable", [0o777, 0o757])
def test_a_cache_that_anybody_may_write_is_passed_over(root, capsys, place, writable):
    keep_json("deep/a.json", {"a": 1})
    (root / place).chmod(writable)
    assert kept_json("deep/a.json") is None
    keep_json("deep/b.json", {"b": 1})
    assert not (root / "deep/b.json").exists() or place == "deep/a.json"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"the cache {root} is not used: anybody may write {root / place}")
    assert line.endswith("chmod go-w helps, or name another with FROZEN_FEATURES_CACHE")
    (root / place).chmod(0o755)
    assert kept_json("deep/a.json") == {"a": 1}


@pytest.mark.parametrize("place", [".", "deep", "deep/a.json"])
def test_another_user_s_cache_is_passed_over(root, monkeypatch, capsys, place):
    keep_json("deep/a.json", {"a": 1})
    if os.geteuid() == 0:
        os.chown(root / place, 12345, -1)
    else:  # nobody else's file can be had without root, so this process is somebody else
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert kept_json("deep/a.json") is None
    assert "belongs to user" in capsys.readouterr().err


def test_a_link_that_another_user_put_there_is_not_followed(root, tmp_path, capsys):
    if os.geteuid() != 0:
        pytest.skip("nobody else's link can be made without root")
    keep_json("a.json", {"a": 1})
    (root / "a.json").rename(tmp_path / "mine.json")
    (root / "a.json").symlink_to(tmp_path / "mine.json")
    assert kept_json("a.json") == {"a": 1}
    os.chown(root / "a.json", 12345, -1, follow_symlinks=False)
    assert kept_json("a.json") is None


def test_a_sticky_folder_such_as_tmp_protects_what_lies_in_it(root):
    root.mkdir()
    root.chmod(0o1777)
    keep_json("deep/a.json", {"a": 1})
    assert kept_json("deep/a.json") == {"a": 1}


@pytest.mark.parametrize("others", [False, True])
def test_a_group_may_write_where_nobody_else_is_known_in_it(root, monkeypatch, others, capsys):
    monkeypatch.setattr(owners, "_others_in", lambda _group: others)
    root.mkdir()
    root.chmod(0o2775)  # as a volume with fsGroup is
    keep_json("a.json", {"a": 1})
    assert kept_json("a.json") == (None if others else {"a": 1})
    assert ("chmod g-w helps" in capsys.readouterr().err) == others


def test_who_is_in_a_group(monkeypatch):
    class Entry:
        def __init__(self, **values):
            vars(self).update(values)

    users = [
        Entry(pw_name="me", pw_uid=7, pw_gid=70),
        Entry(pw_name="root", pw_uid=0, pw_gid=0),
        Entry(pw_name="other", pw_uid=8, pw_gid=80),
    ]
    groups = {70: [], 71: ["me", "root"], 72: ["me", "other"], 80: []}
    monkeypatch.setattr(owners.os, "geteuid", lambda: 7)
    monkeypatch.setattr(owners.pwd, "getpwall", lambda: users)
    monkeypatch.setattr(owners.grp, "getgrgid", lambda group: Entry(gr_mem=groups[group]))
    found = {group: owners._others_in.__wrapped__(group) for group in (*groups, 99)}
    assert found == {70: False, 71: False, 72: True, 80: True, 99: False}


def test_a_read_only_mount_is_believed_without_a_signature(root, monkeypatch):
    root.mkdir()
    (root / "a.json").write_text('{"a": 1}')
    root.chmod(0o777)
    assert kept_json("a.json") is None
    real = os.statvfs

    class Mounted:
        f_flag = os.ST_RDONLY

    monkeypatch.setattr(os, "statvfs", lambda place: Mounted if place else real(place))
    assert kept_json("a.json") == {"a": 1}


def test_the_key_is_made_once_for_this_user_alone(key, umask):
    umask(0)
    assert kept_json("a.json") is None
    assert not key.exists()
    keep_json("a.json", {"a": 1})
    assert (mode(key), len(key.read_bytes()), mode(key.parent)) == (0o600, 32, 0o700)
    made = key.read_bytes()
    keep_json("b.json", {"a": 1})
    assert key.read_bytes() == made
    assert [path.name for path in key.parent.iterdir()] == ["cache.key"]
    key.unlink()
    assert kept_json("a.json") is None


def test_a_key_that_another_process_made_meanwhile_stays(key):
    key.parent.mkdir()
    key.write_bytes(b"k" * 32)
    key.chmod(0o600)
    signing._write_new(key, b"l" * 32)
    assert key.read_bytes() == b"k" * 32
    assert list(key.parent.iterdir()) == [key]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda key: key.chmod(0o644), "others may read its key"),
        (lambda key: key.chmod(0o602), "anybody may write"),
        (lambda key: key.parent.chmod(0o777), "anybody may write"),
        (lambda key: key.write_bytes(b"short"), "fewer than 32 bytes; delete it"),
        (lambda key: (key.unlink(), key.mkdir(0o700)), "cannot be read: Is a directory"),
    ],
)
def test_a_key_that_others_may_know_or_that_is_none_signs_nothing(root, key, capsys, spoil, said):
    keep_json("a.json", {"a": 1})
    spoil(key)
    assert kept_json("a.json") is None
    assert not may_use_cache("b.json")
    keep_json("b.json", {"a": 1})
    assert [path.name for path in root.iterdir()] == ["a.json"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"the cache {root} is not used: ")
    assert said in lines[0]


def test_a_key_named_by_links_in_a_circle_is_the_user_s_mistake(key):
    key.parent.mkdir(parents=True, exist_ok=True)
    key.symlink_to(key)
    with pytest.raises(UsageError, match=r"_KEY: '.*cache.key' leads to links in a circle"):
        may_use_cache("b.json")


def test_where_no_key_can_be_made_the_cache_is_not_used(key, tmp_path, monkeypatch, capsys):
    (tmp_path / "keys").write_text("a file")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    keep_json("a.json", {"a": 1})
    assert not cache_folder().exists()
    assert "name a file with FROZEN_FEATURES_CACHE_KEY" in capsys.readouterr().err
    # Named and not to be made there, it is made among the user's settings.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    keep_json("a.json", {"a": 1})
    assert kept_json("a.json") == {"a": 1}
    assert mode(tmp_path / "settings/frozen-features/cache.key") == 0o600


def test_a_user_without_a_home(monkeypatch, tmp_path, capsys):
    for name in ("FROZEN_FEATURES_CACHE", "FROZEN_FEATURES_CACHE_KEY", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a number without a name
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path))
    assert cache_folder() == tmp_path / f"frozen-features-{os.geteuid()}"
    keep_json("a.json", {"a": 1})
    assert kept_json("a.json") is None
    assert "has no home folder to keep a key in" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["s3://bucket/cache", "s3:/bucket/cache"])
def test_a_cache_is_no_url(monkeypatch, place):
    monkeypatch.setenv("FROZEN_FEATURES_CACHE", place)
    with pytest.raises(UsageError, match=r"FROZEN_FEATURES_CACHE: .* is a URL"):
        cache_folder()
    monkeypatch.setenv("FROZEN_FEATURES_CACHE", "cache")
    monkeypatch.setenv("FROZEN_FEATURES_CACHE_KEY", place)
    with pytest.raises(UsageError, match=r"FROZEN_FEATURES_CACHE_KEY: .* is a URL"):
        keep_json("a.json", {"a": 1})


def test_folders_on_the_way_are_made_for_this_user_to_write(root, umask):
    umask(0)
    make_cache_folder(root / "a" / "b")
    assert [mode(path) for path in (root, root / "a", root / "a/b")] == [0o755] * 3


def test_signing_takes_no_time_that_counts(root):
    import time

    keep_json("a.json", {"a": 1})
    started = time.process_time()
    for _ in range(50):
        assert cached_json.kept_json("a.json")
    assert (time.process_time() - started) / 50 < 0.01
