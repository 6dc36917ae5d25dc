"""The dense head of several labels: what it is trained by, held in memory and streamed."""

import json

import numpy as np
import pytest

from classifiers.data.label_sets import marked_rows, read_label_sets
from classifiers.data.row_groups import find_rows
from classifiers.heads.course import Course
from classifiers.heads.dense import DenseHead
from classifiers.heads.several.network import SeveralDense
from classifiers.models.several.model import load_several
from pipelines.table.feature_table import FeatureTable
from tests.classifiers.conftest import run_train
from tests.classifiers.history import read_history
from tests.classifiers.several.tables import LABELS, drawn

pytestmark = pytest.mark.acceptance

FEW = ["--units", "8", "--learning_rate", "0.01", "--epochs", "12", "--dropout", "0"]


def marks_of(rows):
    return np.array([[name in said for name in LABELS] for _, said in rows]).astype(int)


def test_it_learns_from_a_stream(several):
    sets = {}
    table = FeatureTable.open(str(several))
    for split in ("train", "validation"):
        rows = find_rows(table, split)
        sets[split] = marked_rows(rows, read_label_sets(rows), LABELS, split)
    head = SeveralDense(DenseHead(units=8, learning_rate=0.01, epochs=12, dropout=0.0))
    fitted, history = head.fit(sets["train"], sets["validation"], 3, "none", 0, Course())
    assert history[-1]["val_loss"] < 0.5 < history[0]["val_loss"]
    held = fitted.opine(drawn("validation")[1]).scores
    losses = np.logaddexp(0, np.where(sets["validation"].targets == 1, -held, held))
    assert history[-1]["val_loss"] == pytest.approx(losses.mean(), rel=1e-4)


def test_its_loss_is_the_mean_cross_entropy_of_all_labels(several, tmp_path, monkeypatch):
    model, always = tmp_path / "m", ["--checkpoint_every", "0"]

    def full(*_):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("classifiers.from_features.several.opinions_on", full)
        assert run_train(several, "dense", model, *FEW, *always) == 1
    # What was trained is not trained again.
    assert run_train(several, "dense", model, *FEW, *always) == 0
    card = json.loads((model / "card.json").read_text())
    assert card["course"]["resumed_after"] == 12
    measured, last = card["metrics"]["validation"], read_history(model)[-1]
    assert float(last["val_loss"]) == pytest.approx(measured["log_loss"], rel=1e-4)
    assert float(last["val_accuracy"]) == pytest.approx(measured["label_accuracy"])
    assert measured["log_loss"] < 0.5  # of nothing learned it is 0.65
    rows, features = drawn("validation")
    shares = load_several(model).opine(features).probabilities
    own = -np.log(np.where(marks_of(rows) == 1, shares, 1 - shares)).mean()
    assert measured["log_loss"] == pytest.approx(own, rel=1e-5)
    assert (model / "curves.png").is_file()


def test_class_weights_are_refused(several, tmp_path, capsys):
    assert run_train(several, "dense", tmp_path / "m", "--class_weight", "balanced") == 2
    assert "is for --head logistic, linear_svm, ridge or rbf_svm" in capsys.readouterr().err
