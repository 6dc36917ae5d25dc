"""train, evaluate and predict where an image has several labels, as a user runs them."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from classifiers import evaluate, predict
from tests.classifiers.conftest import run_train
from tests.classifiers.several.tables import LABELS, drawn


def marks_of(rows):
    return np.array([[name in said for name in LABELS] for _, said in rows]).astype(int)


def predicted(model, several, tmp_path, *more):
    output = tmp_path / "p.parquet"
    usual = ["--model", str(model), "--table", str(several), "--output", str(output)]
    assert predict.main([*usual, "--split", "test", *more]) == 0
    return pq.read_table(output).to_pydict()


def measured(model, several, tmp_path):
    file = tmp_path / "m.json"
    options = ["--model", str(model), "--table", str(several), "--json", str(file)]
    assert evaluate.main(options) == 0
    return json.loads(file.read_text())


def test_logistic_regressions_are_scikit_learn_s_one_vs_rest(several, tagger, tmp_path):
    (rows, features), (asked, new) = drawn("train"), drawn("test")
    theirs = make_pipeline(
        StandardScaler(), OneVsRestClassifier(LogisticRegression(C=0.1, max_iter=1000))
    ).fit(features, marks_of(rows))
    found = predicted(tagger, several, tmp_path)
    assert list(found)[:6] == ["image_id", "copy", "labels", "split", "predicted", "error"]
    assert found["image_id"] == [name for name, _ in asked]
    assert found["labels"] == [said for _, said in asked]
    assert any(not said for _, said in asked)
    ours = np.column_stack([found[f"probability_{name}"] for name in LABELS])
    np.testing.assert_allclose(ours, theirs.predict_proba(new), atol=1e-6)
    sets = [[LABELS[k] for k in np.flatnonzero(row)] for row in theirs.predict(new)]
    assert found["predicted"] == sets
    assert set(map(len, sets)) == {0, 1, 2}


def test_measures_are_scikit_learn_s(several, tagger, tmp_path):
    found, said = measured(tagger, several, tmp_path), predicted(tagger, several, tmp_path)
    true = marks_of(drawn("test")[0])
    shares = np.column_stack([said[f"probability_{name}"] for name in LABELS])
    given = (shares >= 0.5).astype(int)
    assert found["images"] == 40
    assert found["subset_accuracy"] == pytest.approx((given == true).all(axis=1).mean())
    for average in ("micro", "macro"):
        wanted = f1_score(true, given, average=average)
        assert found[f"{average}_f1"] == pytest.approx(wanted)
    assert found["mean_average_precision"] == pytest.approx(average_precision_score(true, shares))
    assert found["roc_auc"] == pytest.approx(roc_auc_score(true, shares))
    losses = [log_loss(true[:, k], shares[:, k]) for k in range(3)]
    assert found["log_loss"] == pytest.approx(np.mean(losses))
    each = precision_recall_fscore_support(true, given)
    for k, name in enumerate(LABELS):
        of_label = found["per_label"][name]
        names = ("precision", "recall", "f1", "support")
        assert [of_label[what] for what in names] == pytest.approx([row[k] for row in each])
        assert of_label["roc_auc"] == pytest.approx(roc_auc_score(true[:, k], shares[:, k]))


def test_heads_without_probabilities_give_scores(several, tmp_path):
    assert run_train(several, "ridge", tmp_path / "m", "--C", "1") == 0
    rows, features = drawn("train")
    theirs = make_pipeline(StandardScaler(), RidgeClassifier()).fit(features, marks_of(rows))
    found = predicted(tmp_path / "m", several, tmp_path)
    ours = np.column_stack([found[f"score_{name}"] for name in LABELS])
    np.testing.assert_allclose(ours, theirs.decision_function(drawn("test")[1]), atol=1e-5)
    assert measured(tmp_path / "m", several, tmp_path)["log_loss"] is None
