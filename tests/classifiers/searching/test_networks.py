"""Networks are trained once a setting and fold, as `train` trains them."""

import json

import numpy as np
import pytest

from classifiers import search, train
from classifiers.heads.dense import DenseHead
from classifiers.heads.knn import KnnHead
from classifiers.heads.softmax import SoftmaxHead
from classifiers.models.folder import load_model
from classifiers.searching.data import DividedRows
from classifiers.searching.settings import Setting, Space
from tests.classifiers.tables import write_table


def run(table, folder, *more):
    result = folder / "result.json"
    assert search.main(["--table", str(table), *more, "--json", str(result)]) == 0
    return json.loads(result.read_text())["findings"]


def test_every_combination_is_a_path_of_its_own():
    grids = {"learning_rate": (0.1, 0.2), "units": (8, 16), "epochs": (3,)}
    paths = Space(("dense", "softmax"), ("none",), ("l2",), grids).paths()
    heads = [path.settings()[0].make_head() for path in paths]
    assert heads == [
        *(
            DenseHead(units, learning_rate=rate, epochs=3)
            for rate in (0.1, 0.2)
            for units in (8, 16)
        ),
        *(SoftmaxHead(learning_rate=rate, epochs=3) for rate in (0.1, 0.2)),
    ]
    assert {len(path.points) for path in paths} == {1}
    assert {path.scaler for path in paths} == {"none"}
    assert len({path.name for path in paths}) == 6


@pytest.mark.parametrize("streams", [False, True])
def test_it_is_fitted_on_the_fold_and_scored_on_the_rest(tmp_path, monkeypatch, streams):
    write_table(tmp_path / "table", {"train": 4}, ("a", "b"))
    options = ("--folds", "3", "--class_weight", "a=2,b=1")
    expected = run(tmp_path / "table", tmp_path, *options, "--heads", "knn", "--k", "9")
    monkeypatch.setattr(Setting, "make_head", lambda _: KnnHead(k=9))
    if streams:
        monkeypatch.setattr(DividedRows, "workers", lambda *_: 0)
        monkeypatch.setattr(DividedRows, "read", None)
    found = run(tmp_path / "table", tmp_path, *options, "--heads", "dense", "--units", "8,9")
    assert [each["accuracies"] for each in found] == [expected[0]["accuracies"]] * 6
    assert np.std(expected[0]["accuracies"]) > 0


@pytest.mark.acceptance
def test_the_score_on_validation_is_that_of_a_trained_network(tmp_path):
    table, model = tmp_path / "table", tmp_path / "model"
    write_table(table, {"train": 4, "validation": 4}, ("a", "b"), (2, 2, 8))
    options = ["--pooling", "avg", "--units", "8", "--learning_rate", "0.01", "--epochs", "2"]
    told = ["--table", str(table), "--head", "dense", *options, "--model", str(model)]
    assert train.main(told) == 0
    expected = load_model(model).card.metrics["validation"]["accuracy"]
    options[0] = "--poolings"
    (found,) = run(table, tmp_path, "--validation", "--heads", "dense", *options)
    assert found["mean"] == expected
