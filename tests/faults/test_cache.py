"""A cache on a disk that is full or read-only, and a user who has neither a name nor a home."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import extract
from pipelines.engines import opening
from pipelines.system.cached_json import keep_json, kept_json
from tests.conftest import ROOT, write_dataset

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

TINY = ["--weights", "random:1", "--image_size", "32"]


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """Mounts for real, which takes root."""
    places: list[Path] = []

    def mount(place: Path, *options: str) -> None:
        place.mkdir(exist_ok=True)
        command = ["mount", *options, str(place)]
        if (
            os.geteuid() != 0
            or subprocess.run(command, capture_output=True, check=False).returncode
        ):
            pytest.skip("nothing can be mounted here: that takes root")
        places.append(place)

    yield mount
    for place in reversed(places):
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def images(tmp_path) -> Path:
    return write_dataset(tmp_path / "images", {"train": 3}, ("dark", "light"))


@pytest.mark.parametrize("engine", ["openvino", "ncnn"])
def test_a_full_cache_stops_no_engine(mounted, images, tmp_path, monkeypatch, capsys, engine):
    mounted(tmp_path / "cache", "-t", "tmpfs", "-o", "size=4m,mode=755", "tmpfs")
    monkeypatch.setattr(opening, "_engines", {})
    command = ["--input", str(images), "--table", str(tmp_path / "t"), *TINY]
    assert extract.main([*command, "--engine", engine]) == 0
    said = capsys.readouterr().err
    assert f"the cache {tmp_path / 'cache'} takes no conversion; making one without it (" in said
    assert "Traceback" not in said
    left = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert left <= {"fingerprints.json"}


def test_a_read_only_mount_is_believed_and_not_written(mounted, tmp_path):
    held = tmp_path / "held"
    held.mkdir(0o777)
    (held / "a.json").write_text('{"a": 1}')
    held.chmod(0o777)
    mounted(tmp_path / "cache", "--bind", str(held))
    assert kept_json("a.json") is None
    subprocess.run(["mount", "-o", "remount,bind,ro", str(tmp_path / "cache")], check=True)
    assert kept_json("a.json") == {"a": 1}
    keep_json("b.json", {"b": 1})
    assert [path.name for path in held.iterdir()] == ["a.json"]


def test_a_user_number_without_a_name_and_a_home(images, tmp_path):
    """As in a container that is started with `--user 12345`."""
    unshare = shutil.which("unshare")
    as_nobody = [unshare or "unshare", "--user", "--map-user=12345", "--map-group=12345"]
    if unshare is None or subprocess.run([*as_nobody, "true"], check=False).returncode:
        pytest.skip("no user number can be had here: that takes unshare")
    ours = ("HOME", "FROZEN_FEATURES_CACHE", "FROZEN_FEATURES_CACHE_KEY", "USER", "LOGNAME")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "KERAS_HOME", "LNAME", "USERNAME"):
        environment.pop(name, None)
    environment |= {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    here = tmp_path / "here"
    here.mkdir()
    table = ["--table", str(tmp_path / "t")]
    commands = [
        ["pipelines.doctor"],
        ["pipelines.extract", "--input", str(images), *table, *TINY, "--engine", "keras"],
        ["pipelines.describe", *table],
    ]
    said = []
    for command in commands:
        done = subprocess.run(
            [*as_nobody, sys.executable, "-m", *command],
            cwd=here,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        said.append(done)
    assert list(here.iterdir()) == []  # where Keras would make a folder `~`
    assert [path.name for path in tmp_path.iterdir() if "keras" in path.name] == []
    assert f"{tmp_path}/frozen-features-12345" in said[0].stdout
    assert "this user has no home folder to keep a key in; name a file with" in said[1].stderr
    assert "12345@" in said[2].stdout
