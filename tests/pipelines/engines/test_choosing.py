"""Which engine a run gets: named, remembered, or the fastest that gives Keras's features."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import asdict, replace

import numpy as np
import pytest

from pipelines.contract import Contract
from pipelines.engines import choosing, opening, racing
from pipelines.engines import race_results as remembering
from pipelines.engines.choosing import choose_without_race, open_without_race
from pipelines.engines.conversions import DIGESTS_FILE
from pipelines.engines.kinds import CONVERTING
from pipelines.engines.ncnn.text import NetText
from pipelines.engines.opening import open_engine
from pipelines.engines.race_results import Choice, remember, remembered
from pipelines.engines.racing import race
from pipelines.engines.request import Computation
from pipelines.engines.trial import TimedEngine, try_conversion
from pipelines.errors import EngineError, UsageError
from pipelines.extract import main
from pipelines.planning.job import make_contract
from tests.conftest import TINY


@pytest.fixture(scope="module")
def contract() -> Contract:
    return make_contract(TINY)


@pytest.fixture
def request_(contract):
    return Computation(contract, TINY.weights, 16, None)


@pytest.fixture(autouse=True)
def _no_engine_is_open(monkeypatch):
    monkeypatch.setattr(opening, "_engines", {})
    monkeypatch.setattr(opening, "_bases", {})


IMAGES = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)


@pytest.mark.acceptance
def test_the_fastest_wins_and_is_remembered(request_):
    found = race(request_, IMAGES)
    trials = {trial.engine: trial for trial in found.trials}
    assert set(trials) == {"keras", "openvino", "ncnn"}
    assert all(trial.refusal is None and trial.error <= 1e-4 for trial in found.trials)
    assert found.engine == max(found.trials, key=lambda t: t.images_per_second).engine
    again = choose_without_race("auto", request_)
    assert (again.engine, again.reason) == (found.engine, "the fastest of an earlier race")
    assert again.trials == found.trials
    assert f"engine {found.engine}, the fastest of a race: {found.engine} " in found.describe()


@pytest.fixture
def earlier_race(request_):
    remember(request_, Choice("keras", "the fastest of a race"))


@pytest.mark.usefixtures("earlier_race")
def test_another_contract_or_processor_is_another_race(request_, contract, monkeypatch):
    other = replace(request_, contract=replace(contract, layer="block4_pool"))
    assert choose_without_race("auto", other) is None
    stored_otherwise = replace(request_, contract=replace(contract, precision="float16"))
    assert choose_without_race("auto", stored_otherwise) is not None
    monkeypatch.setattr(remembering, "processor_named", lambda: "another one")
    assert choose_without_race("auto", request_) is None


def test_another_backend_of_keras_is_another_race(request_, tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    remember(request_, Choice("keras", "the fastest of a race"))
    assert remembered(request_) is not None
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert remembered(request_) is None
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert remembered(request_) is not None


def test_a_race_is_kept_for_all_who_share_the_cache(request_, tmp_path):
    before = os.umask(0o022)
    try:
        remember(request_, Choice("keras", "the fastest of a race"))
    finally:
        os.umask(before)
    (kept,) = (tmp_path / "cache/engines").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o644


@pytest.mark.usefixtures("earlier_race")
def test_a_damaged_memory_is_no_memory(request_, tmp_path):
    assert choose_without_race("auto", request_) is not None
    (kept,) = (tmp_path / "cache/engines").iterdir()
    kept.write_text("{")
    assert choose_without_race("auto", request_) is None


class Cheat:
    """An engine that is fast because it does nothing."""

    name = "ncnn"
    batch_size = 16
    feature_shape = (1, 1, 512)

    def extract(self, images):
        return np.zeros((len(images), 512), np.float32)

    def shrink(self, failed):
        pytest.fail("no memory ran out")


def test_an_engine_with_other_features_cannot_win(request_, monkeypatch, tmp_path):
    monkeypatch.setattr(racing, "open_conversion", lambda request: tmp_path)
    monkeypatch.setattr(racing, "trial_of", lambda *_: nullcontext(TimedEngine(Cheat(), IMAGES)))
    found = race(request_, IMAGES)
    cheat = next(trial for trial in found.trials if trial.engine == "ncnn")
    assert cheat.images_per_second > found.trials[0].images_per_second
    assert cheat.refusal.startswith("off by 1.0e+00")
    assert found.engine == "keras"


def test_an_engine_that_ends_its_process_costs_itself_the_race_only(
    request_, monkeypatch, tmp_path
):
    def crash(*_):
        raise EngineError("it failed with status -11: ")

    monkeypatch.setattr(racing, "open_conversion", lambda request: tmp_path)
    monkeypatch.setattr(racing, "trial_of", crash)
    found = race(request_, IMAGES)
    assert found.engine == "keras"
    refusals = {trial.engine: trial.refusal for trial in found.trials}
    assert refusals["ncnn"] == "EngineError: it failed with status -11: "
    assert remembered(request_) is None  # the next race may go better


def test_a_trial_that_dies_is_an_error_of_one_line(tmp_path):
    with pytest.raises(EngineError, match=r"failed with status 1: .*layout\.json"):
        try_conversion("ncnn", tmp_path, 1, 4, IMAGES)


@pytest.mark.acceptance
def test_a_conversion_with_other_features_is_never_kept(request_, monkeypatch, tmp_path):
    real = NetText.convolution

    def spoiled(net, step, data):
        return real(net, replace(step, bias=step.bias + 1), data)

    monkeypatch.setattr(NetText, "convolution", spoiled)
    with pytest.raises(EngineError, match="the ncnn engine cannot run VGG16: its features are off"):
        open_engine(request_.by("ncnn"))
    kept = list((tmp_path / "cache/converted").rglob(DIGESTS_FILE))
    assert kept == []


@pytest.mark.acceptance
def test_features_that_are_no_numbers_cannot_win_nor_spoil_the_record(
    request_, monkeypatch, tmp_path
):
    class Broken(Cheat):
        def extract(self, images):
            return np.full((len(images), 512), np.nan, np.float32)

    monkeypatch.setattr(racing, "open_conversion", lambda request: tmp_path)
    monkeypatch.setattr(racing, "trial_of", lambda *_: nullcontext(TimedEngine(Broken(), IMAGES)))
    found = race(request_, IMAGES)
    assert found.engine == "keras"
    broken = next(trial for trial in found.trials if trial.engine == "ncnn")
    assert (broken.refusal, broken.error) == ("off by nan, more than 1e-04", None)
    json.dumps(asdict(found), allow_nan=False)


@pytest.mark.acceptance
def test_a_remembered_engine_that_runs_no_more_is_forgotten(
    request_, contract, monkeypatch, capsys, dataset, tmp_path
):
    remember(request_, Choice("ncnn", "the fastest of a race"))

    def broken(*_):
        raise ImportError("libgomp.so.1: cannot open shared object file")

    monkeypatch.setitem(CONVERTING, "ncnn", replace(CONVERTING["ncnn"], open=broken))
    assert open_without_race(contract, TINY.weights, 16).name == "keras"
    said = capsys.readouterr().err
    assert "ImportError: libgomp.so.1" in said
    assert "(it won an earlier race)" in said
    assert remembered(request_) is None
    where = ["--input", str(dataset), "--table", str(tmp_path / "features")]
    what = ["--weights", "random:1", "--image_size", "32", "--engine", "ncnn"]
    assert main([*where, *what]) == 1
    assert "libgomp" in capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.acceptance
def test_first_calls_that_meet_on_two_threads_do_not_hang(request_, tmp_path):
    """OpenVINO's bindings wait for themselves when two first calls meet (decision 13)."""
    folder = opening.open_conversion(request_.by("openvino"))
    code = (
        "import sys; sys.setswitchinterval(1e-6); import numpy as np; from pathlib import Path;"
        "from pipelines.engines.kinds import CONVERTING;"
        "engine = CONVERTING['openvino'].open(Path(sys.argv[1]), 2, 16);"
        "print(engine.extract(np.zeros((16, 32, 32, 3), np.uint8)).shape)"
    )
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=60
        )
        assert done.stdout.strip() == "(16, 512)", done.stderr


@pytest.mark.parametrize(
    ("wanted", "changes", "cards", "engine"),
    [
        ("openvino", {}, (), "openvino"),
        ("auto", {"compute_dtype": "tfloat32"}, (), "keras"),
        ("auto", {"compute_dtype": "bfloat16"}, ("0",), "keras"),
        ("auto", {}, ("0",), "keras"),
        ("auto", {}, (), None),
    ],
)
def test_what_is_clear_without_a_race(request_, monkeypatch, wanted, changes, cards, engine):
    monkeypatch.setattr(choosing, "visible_gpus", lambda: cards)
    monkeypatch.setattr(choosing, "sees_gpu", lambda: True)
    asked = replace(request_, contract=replace(request_.contract, **changes))
    found = choose_without_race(wanted, asked)
    assert (found and found.engine) == engine


def test_an_engine_that_is_not_installed_is_refused_in_one_line(request_, monkeypatch):
    missing = replace(CONVERTING["ncnn"], package="no_such_package")
    monkeypatch.setitem(CONVERTING, "ncnn", missing)
    with pytest.raises(UsageError, match=r"it is not installed; pip install '\.\[ncnn\]'"):
        open_engine(request_.by("ncnn"))
