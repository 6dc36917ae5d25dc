"""What a run says of a model, against its card and its history."""

import csv
import json
import sys

import pytest

from classifiers import track, train
from classifiers.tracking.run import Measure, run_of
from pipelines.errors import ModelError
from tests.classifiers.tables import write_table


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tracked")
    write_table(folder / "table", {"train": 4, "validation": 2}, ("a", "b"))
    options = ["--head", "logistic", "--C", "0.5", "--class_weight", "balanced"]
    assert (
        train.main(["--table", str(folder / "table"), "--model", str(folder / "m"), *options]) == 0
    )
    return folder / "m"


def test_a_run_has_what_the_card_and_the_history_have(model):
    card = json.loads((model / "card.json").read_text())
    run = run_of("m@3", model)
    wanted = {"head": "logistic", "C": "0.5", "class_weight": "balanced", "train_split": "train"}
    assert wanted.items() <= run.parameters.items()
    assert run.tags["frozen_features.model"] == "m@3"
    assert run.tags["frozen_features.model_sha256"] == card["model_sha256"]
    assert run.tags["frozen_features.table_version"] == str(card["table_version"])
    assert run.ended - run.began == round(card["seconds"] * 1000)
    said = {each.name: each.value for each in run.measures if not each.step}
    for part in ("train", "validation"):
        numbers = {k: v for k, v in card["metrics"][part].items() if isinstance(v, int | float)}
        assert len(numbers) > 8
        assert {f"{part}_{name}": value for name, value in numbers.items()}.items() <= said.items()
    with (model / "history.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert Measure("epoch_val_loss", float(row["val_loss"]), 1) in run.measures


def test_a_history_that_is_damaged(model, tmp_path):
    (tmp_path / "card.json").write_bytes((model / "card.json").read_bytes())
    (tmp_path / "history.csv").write_text("epoch,loss\n1,none\n")
    with pytest.raises(ModelError, match=r"the history of m is damaged: could not convert"):
        run_of("m", tmp_path)


def test_without_mlflow_the_extra_is_named(model, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    options = ["--model", str(model), "--store", str(tmp_path / "store")]
    assert track.main(options) == 1
    assert "pip install 'frozen-features[mlflow]' installs it" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()
