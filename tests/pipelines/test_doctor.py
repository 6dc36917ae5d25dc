"""What doctor says of a machine, which must be true, and never a secret."""

import json
import subprocess
import sys

import pytest

from pipelines import doctor
from pipelines.bases import BASES, WeightsRequest, weights
from pipelines.bases.sources import imagenet_sources
from pipelines.bases.weights import load_base
from pipelines.cli import run_command
from pipelines.engines.choosing import describe_auto
from pipelines.engines.race_results import Choice, Trial, races, remember
from pipelines.engines.request import Computation
from pipelines.errors import WeightsError
from pipelines.stores.credentials import NOT_READ, VARIABLES, store_access
from pipelines.system.cores import usable_cores
from tests.conftest import ROOT
from tests.pipelines.test_contract import CONTRACT
from tests.test_imports import HEAVY

SECRET = "hunter2"


def report():
    return doctor.work(doctor.make_parser().parse_args([]))


def test_it_says_what_is_here(tmp_path, capsys):
    file = tmp_path / "d.json"
    assert doctor.main(["--json", str(file)]) == 0
    printed = capsys.readouterr().out
    said = json.loads(file.read_text())
    assert said["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert said["engines"] == {"keras": True, "openvino": True, "ncnn": True, "onnxruntime": True}
    assert said["cores"] == usable_cores()
    assert said["cache"]["folder"] == str(tmp_path / "cache")
    assert f"cache            {tmp_path / 'cache'} (0.0 MB held" in printed
    assert not (tmp_path / "cache").exists()


def test_it_loads_no_engine():
    code = (
        "import sys\nfrom pipelines.doctor import main\nassert main([]) == 0\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = {name.partition(".")[0] for name in done.stderr.splitlines()}
    assert not loaded & (HEAVY | {"openvino", "ncnn"})


def test_no_secret_is_ever_shown(monkeypatch, tmp_path, capsys):
    for group in (*VARIABLES["s3"], *VARIABLES["gs"], *NOT_READ.values()):
        for name in group:
            monkeypatch.setenv(name, SECRET)
    for name in ("AWS_PROFILE", "GOOGLE_API_KEY", "GITHUB_TOKEN", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"https://user:{SECRET}@proxy")
    file = tmp_path / "d.json"
    for endpoint in ("https://me:{}@here:9?key={}", "http://me:{}@here", "me:{}@here", "//{}@h"):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.format(SECRET, SECRET))
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint.format(SECRET, SECRET))
        assert doctor.main(["--json", str(file)]) == 0
        printed = capsys.readouterr()
        for text in (printed.out, printed.err, file.read_text(), report()._repr_html_()):
            assert SECRET not in text
        assert "here" in printed.out or "//{}" in endpoint


def test_credentials_are_told_by_name():
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    for environment, credentials, problem in (
        ({}, "the pod's or the machine's role", None),
        (keys, "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY", None),
        ({"AWS_ACCESS_KEY_ID": "a"}, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY is not set"),
        (keys | {"AWS_SKIP_SIGNATURE": "true"}, "none: requests are not signed", None),
        (
            {"AWS_PROFILE": "work"},
            "the pod's or the machine's role",
            "AWS_PROFILE set, but profiles are not read",
        ),
        (
            keys | {"AWS_CA_BUNDLE": "/ca.crt"},
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY",
            "AWS_CA_BUNDLE set, but certificates are read from SSL_CERT_FILE",
        ),
        (
            keys | {"AWS_CA_BUNDLE": "/ca.crt", "SSL_CERT_FILE": "/ca.crt"},
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY",
            None,
        ),
    ):
        found = store_access("s3", environment)
        assert (found.credentials, found.problem) == (credentials, problem)
    assert store_access("s3", {}).server == "Amazon's own"
    there = store_access("s3", {"AWS_ENDPOINT_URL": "https://there:9"})
    assert there.server == "https://there:9"
    assert "AWS_ALLOW_HTTP" in (store_access("s3", {"AWS_ENDPOINT_URL": "http://h"}).problem or "")
    google = store_access("gs", {"GOOGLE_APPLICATION_CREDENTIALS": "/a.json"})
    assert google.credentials == "GOOGLE_APPLICATION_CREDENTIALS"


def test_races_are_told_with_what_they_hold_for(monkeypatch):
    asked = Computation(CONTRACT, WeightsRequest("random"), 8, None)
    trials = (Trial("keras", 10.0, 0.0, None), Trial("ncnn", 25.0, 1e-6, None))
    remember(asked, Choice("ncnn", "the fastest of a race", trials))
    (race,) = races()
    assert (race.base, race.image_size) == (CONTRACT.base, CONTRACT.image_size)
    assert (race.engine, race.images_per_second, race.counts) == ("ncnn", 25.0, True)
    assert report().auto.startswith("the winner of a race below; else a race finds out")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    (race,) = races()
    assert not race.counts
    assert report().auto.startswith("a race finds out")
    assert "no: other processor" in str(report())


def test_what_auto_takes():
    all_there = {"keras": True, "openvino": True, "ncnn": True, "onnxruntime": True}
    alone = {"keras": True, "openvino": False, "ncnn": False}
    assert "not installed" in describe_auto((), all_there | {"keras": False}, False)
    assert describe_auto(("0",), all_there, True).startswith("keras, if its backend sees a GPU")
    assert describe_auto((), alone, False) == "keras, the only one installed"


def test_weights_are_taken_from_the_source_that_is_told(tmp_path, monkeypatch):
    base = BASES["VGG16"]
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    tried = []

    def refuse(name):
        def fail(*_args):
            tried.append(name)
            raise OSError(name)

        return fail

    monkeypatch.setattr(weights, "_build_by_keras", refuse("keras"))
    monkeypatch.setattr(weights, "_build_from_file", refuse("file"))
    monkeypatch.setattr(weights, "_build_by_package", refuse("package"))
    for there, kinds in (
        ((), ["keras", "package"]),
        ((0,), ["keras", "keras", "package"]),
        ((1,), ["file", "keras", "package"]),
        ((0, 1), ["keras", "file", "keras", "package"]),
    ):
        for number, source in enumerate(imagenet_sources(base)[:2]):
            source.path.unlink(missing_ok=True)
            if number in there:
                source.path.parent.mkdir(parents=True, exist_ok=True)
                source.path.touch()
        tried.clear()
        with pytest.raises(WeightsError, match="no source has VGG16's"):
            load_base(base, 32, WeightsRequest("imagenet"))
        assert tried == kinds
        states = [row[2] for row in _table_of_sources()]
        first = next(
            (number for number, state in enumerate(states) if state == "taken first"), None
        )
        assert first == min(there, default=None)


def test_sources_that_may_not_be_asked_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    asked = "asked if those above give none"
    assert [row[2] for row in _table_of_sources()] == ["not there", "not there", asked, asked]
    monkeypatch.setenv("FROZEN_FEATURES_OFFLINE", "1")
    forbidden = "not asked: FROZEN_FEATURES_OFFLINE is set"
    assert [row[2] for row in _table_of_sources()][2:] == [forbidden, forbidden]


def _table_of_sources():
    return doctor.source_states(report().weights)


def test_a_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch(0o755)
    monkeypatch.setenv("FROZEN_FEATURES_CACHE", str(tmp_path / "file"))
    assert "cannot be written" in str(report())
    folder = tmp_path / "held" / "deep"
    folder.mkdir(parents=True)
    (folder / "a").write_bytes(bytes(3_000_000))
    monkeypatch.setenv("FROZEN_FEATURES_CACHE", str(tmp_path / "held"))
    assert report().cache.held == 3_000_000
    assert "(3.0 MB held" in str(report())
    assert "cannot be written" not in str(report())


def test_a_cache_that_is_not_used_is_told(tmp_path, monkeypatch):
    key = tmp_path / "keys" / "cache.key"
    monkeypatch.setenv("FROZEN_FEATURES_CACHE_KEY", str(key))
    (tmp_path / "cache").mkdir()
    assert report().cache.problem is None
    (tmp_path / "cache").chmod(0o777)
    assert f"not used: anybody may write {tmp_path / 'cache'}; chmod go-w helps" in str(report())
    (tmp_path / "cache").chmod(0o755)
    key.parent.mkdir()
    key.write_bytes(b"k" * 32)
    key.chmod(0o644)
    assert "not used: others may read its key" in str(report())
    key.unlink()
    assert report().cache.problem is None
    assert list(key.parent.iterdir()) == []


def test_a_package_that_is_missing_is_named_with_what_installs_it(monkeypatch, capsys):
    for package, extra in (("apache_beam", "extract"), ("sklearn", "train")):
        monkeypatch.setitem(sys.modules, package, None)
        assert run_command(lambda _: __import__(f"{package}.x"), []) == 1  # noqa: B023
        expected = f"{package} is not installed; pip install 'frozen-features[{extra}]' installs it"
        assert capsys.readouterr().err == f"error: {expected}\n"
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        run_command(lambda _: __import__("no_such_module"), [])
