"""A model in MLflow's own store, read back by MLflow."""

import importlib.util
import os
import subprocess
import sys

import pytest

import frozen_features as ff
from classifiers.tracking import store
from pipelines.errors import TrackingError
from tests.classifiers.tables import write_table
from tests.conftest import ROOT

pytestmark = [
    pytest.mark.acceptance,
    # Looked for and not imported: with what it is imported in an environment is to be tested.
    pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="MLflow is an extra"),
    # MLflow's and its database's own.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

WATCHED = """
import socket, sys, time
asked = []
def refuse(*given, **_):
    asked.append(given)
    raise OSError("no network")
socket.socket.connect = socket.getaddrinfo = refuse
from classifiers.track import main
from classifiers.tracking import store
if sys.argv[1] == "loud":
    store.SILENT.clear()
assert main(sys.argv[2:]) == 0
time.sleep(1)
print("asked", len(asked))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tracked")
    table = write_table(folder / "table", {"train": 4, "validation": 2}, ("a", "b"))
    ff.train(table.uri, head="logistic", model=folder / "m")
    return folder / "m"


def test_mlflow_has_all_of_a_model(model, tmp_path):
    done = ff.track(model, store=tmp_path / "store", experiment="digits")
    client = store.load_mlflow().MlflowClient(f"sqlite:///{tmp_path}/store/mlflow.db")
    run = client.get_run(done.run)
    card = ff.load_model(model).card
    assert (run.info.run_name, run.info.status) == (str(model), "FINISHED")
    assert client.get_experiment_by_name("digits").experiment_id == done.experiment
    assert run.data.params["C"] == str(card.settings["C"])
    accuracy = card.metrics["validation"]["accuracy"]
    assert run.data.metrics["validation_accuracy"] == accuracy
    assert client.get_metric_history(done.run, "epoch_val_accuracy")[0].step == 1
    (kept,) = (tmp_path / "store" / "artifacts").rglob("model")
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == {
        path.name: path.read_bytes() for path in model.iterdir()
    }
    again = ff.track(model, store=tmp_path / "store", experiment="digits")
    assert (again.experiment, again.run != done.run) == (done.experiment, True)


@pytest.mark.parametrize(("how", "some"), [("silent", False), ("loud", True)])
def test_mlflow_tells_nobody_and_would_if_it_were_not_told_not_to(model, tmp_path, how, some):
    ours = {
        key: value for key, value in os.environ.items() if key in ("PATH", "PYTHONPATH", "HOME")
    }
    command = [sys.executable, "-c", WATCHED, how, "--model", str(model)]
    done = subprocess.run(
        [*command, "--store", str(tmp_path / "store")],
        env=ours, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (done.stdout.splitlines()[-1] != "asked 0") is some, done.stdout


def test_a_store_that_cannot_be_written_costs_a_line(model, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(TrackingError, match=r"cannot write to MLflow's store .*/file: "):
        ff.track(model, store=tmp_path / "file")
    with pytest.raises(TrackingError, match=r"store http://127.0.0.1:9: .*; is it a folder of"):
        ff.track(model, store="http://127.0.0.1:9")
