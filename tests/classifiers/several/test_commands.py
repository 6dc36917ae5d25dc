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

import frozen_features as ff
from classifiers import audit, evaluate, export, predict, promote, refit, report, search
from classifiers.models.several.model import load_several
from pipelines.errors import UsageError
from tests.classifiers.conftest import run_train
from tests.classifiers.several.tables import LABELS, ROWS, drawn, write_several


def marks_of(rows):
    return np.array([[name in said for name in LABELS] for _, said in rows]).astype(int)


def predicted(model, several, tmp_path, *more):
    output = tmp_path / "p.parquet"
    usual = ["--model", str(model), "--table", str(several), "--output", str(output)]
    assert predict.main([*usual, "--split", "test", *more]) == 0
    return pq.read_table(output).to_pydict()


def evaluated(model, several, tmp_path, *more):
    file = tmp_path / "m.json"
    options = ["--model", str(model), "--table", str(several), "--json", str(file)]
    assert evaluate.main([*options, *more]) == 0
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
    found, said = evaluated(tagger, several, tmp_path), predicted(tagger, several, tmp_path)
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
    assert evaluated(tmp_path / "m", several, tmp_path)["log_loss"] is None


def test_an_image_without_labels_counts_and_one_that_nobody_labelled_does_not(tmp_path, capsys):
    rows, features = drawn("train")
    everywhere = [
        (name, None if number == 0 else [*said, "photograph"])
        for number, (name, said) in enumerate(rows)
    ]
    write_several(tmp_path / "t", {"train": (everywhere, features)})
    assert run_train(tmp_path / "t", "logistic", tmp_path / "m") == 0
    told = capsys.readouterr().err
    assert "left out of split 'train': 1 rows that nobody has labelled" in told
    assert "left out: photograph, which all images of split 'train' have" in told
    card = json.loads((tmp_path / "m" / "card.json").read_text())
    assert card["classes"] == list(LABELS)
    assert card["rows"] == {"train": 59}
    assert card["several"]["thresholds"] == dict.fromkeys(LABELS, 0.0)


def test_thresholds_of_labels_are_those_of_each_alone(several, tmp_path):
    assert run_train(several, "logistic", tmp_path / "m", "--threshold", "recall=1") == 0
    model = load_several(tmp_path / "m")
    rows, features = drawn("validation")
    scores, marks = model.opine(features).scores, marks_of(rows)
    for number, name in enumerate(LABELS):
        least = scores[marks[:, number] == 1, number].min()
        below = scores[scores[:, number] < least, number].max()
        assert model.several.thresholds[name] == pytest.approx((least + below) / 2)
    found = evaluated(tmp_path / "m", several, tmp_path, "--split", "validation")
    assert [each["recall"] for each in found["per_label"].values()] == [1.0] * 3


REFUSED = {
    ("knn",): "the images have several labels each, and knn tells classes apart",
    ("logistic", "--calibrate"): "--calibrate is for classes of which an image has one",
    ("logistic", "--coverage", "0.9"): "--coverage is for classes of which an image has one",
    ("logistic", "--class_weight", "cat=2"): "it is none or balanced",
    ("logistic", "--memory", "1K"): "raise --memory, or use --head dense, which streams",
    ("logistic", "--threshold", "f1", "--validation_split", "none"): "name their split with",
}


@pytest.mark.parametrize("options", REFUSED, ids=" ".join)
def test_what_has_no_meaning_for_several_labels_is_refused(several, tmp_path, capsys, options):
    head, *more = options
    assert run_train(several, head, tmp_path / "m", *more) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert REFUSED[options] in line
    assert not (tmp_path / "m").exists()


def test_commands_that_tell_classes_apart_refuse_such_a_model(several, tagger, tmp_path, capsys):
    table, model = ["--table", str(several)], ["--model", str(tagger)]
    versioned = ["--to", str(tmp_path / "versions")]
    for command, options in (
        (audit, [*table, *model]),
        (export, [*model, "--format", "onnx", "--output", str(tmp_path / "x.onnx")]),
        (evaluate, [*table, *model, "--compare", str(tagger)]),
        (promote, [*model, *versioned, *table, "--if", "accuracy>=0"]),
        (report, [*table, *model, "--output", str(tmp_path / "r.html")]),
    ):
        assert command.main(options) in (1, 2), command
        (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
        assert "gives an image several labels" in line, command
    assert search.main(table) == 1
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert "the images have several labels each, in the column labels" in line


def test_such_a_model_can_be_promoted_without_conditions(several, tagger, tmp_path):
    versions = tmp_path / "versions"
    assert promote.main(["--model", str(tagger), "--to", str(versions)]) == 0
    found = predicted(f"{versions}@1", several, tmp_path)
    assert found["predicted"] == predicted(tagger, several, tmp_path, "--overwrite")["predicted"]


def test_such_a_model_is_trained_again(several, tmp_path, capsys):
    more = ["--threshold", "f1", "--class_weight", "balanced"]
    assert run_train(several, "logistic", tmp_path / "m", *more) == 0
    assert refit.main(["--model", str(tmp_path / "m"), "--to", str(tmp_path / "again")]) == 0
    cards = [json.loads((tmp_path / each / "card.json").read_text()) for each in ("m", "again")]
    for name in ("metrics", "several", "asked", "settings"):
        assert cards[0][name] == cards[1][name]
    found = cards[0]["metrics"]["validation"]["mean_average_precision"]
    assert f"validation mean average precision {found:.3f}" in capsys.readouterr().err


def test_predictions_in_memory(several, tagger, capsys):
    features = drawn("test")[1]
    held = ff.predict(tagger, features=features).rows.to_pydict()
    stored = ff.predict(tagger, table=several, split="test")
    assert held["predicted"] == stored.rows["predicted"].to_pylist()
    assert held["labels"] == [None] * len(features)
    assert "cat, indoors" in str(stored)
    with pytest.raises(UsageError, match="--top has no meaning with a model of several labels"):
        ff.predict(tagger, features=features, top=2)
    assert ff.load_model(tagger).opine(features).scores.shape == (40, 3)


def test_balanced_weights_are_those_of_each_label(several, tmp_path):
    more = ["--class_weight", "balanced", "--C", "0.1"]
    assert run_train(several, "logistic", tmp_path / "m", *more) == 0
    rows, features = drawn("train")
    new = drawn("test")[1]
    scores = load_several(tmp_path / "m").opine(new).scores
    for number in range(len(LABELS)):
        alone = LogisticRegression(C=0.1, max_iter=1000, class_weight="balanced")
        wanted = make_pipeline(StandardScaler(), alone).fit(features, marks_of(rows)[:, number])
        np.testing.assert_allclose(scores[:, number], wanted.decision_function(new), atol=1e-5)


def test_one_label_alone_is_there_or_not(tmp_path):
    splits = {
        split: ([(name, [each for each in said if each == "cat"]) for name, said in rows], features)
        for split, (rows, features) in ((split, drawn(split)) for split in ROWS)
    }
    write_several(tmp_path / "t", splits)
    assert run_train(tmp_path / "t", "logistic", tmp_path / "m", "--C", "1") == 0
    rows, features = drawn("test")
    found = load_several(tmp_path / "m").opine(features).probabilities[:, 0] >= 0.5
    assert (found == ["cat" in said for _, said in rows]).mean() > 0.7
