"""Calibration, thresholds and sets as a user has them: trained, measured, predicted, refused."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import frozen_features as ff
from classifiers import evaluate, predict, train
from classifiers.exporting.whole import answers_of
from classifiers.heads.odds import log_odds
from classifiers.models.calibration import fit_temperature
from classifiers.models.card import card_from_json
from classifiers.models.folder import load_model, read_card
from classifiers.models.isotonic import fit_curves
from pipelines.errors import UsageError
from tests.classifiers.conftest import run_train
from tests.classifiers.tables import add_file, write_table

CLASSES = ("ant", "bee", "cow")
ALL = ["--calibrate", "--threshold", "precision=0.97", "--coverage", "0.9"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table of three classes that are told apart with mistakes."""
    folder = tmp_path_factory.mktemp("decisions") / "features"
    write_table(folder, {"train": 6, "validation": 9, "test": 9}, CLASSES)
    return folder


@pytest.fixture(scope="module")
def models(made):
    """Too sure a logistic regression, and a linear SVM, each without and with everything."""
    found = {}
    for head in ("logistic", "linear_svm"):
        for name, more in (("plain", []), ("all", ALL)):
            found[head, name] = made.parent / f"{head}-{name}"
            assert run_train(made, head, found[head, name], "--C", "100", *more) == 0
    return found


def predicted(model, table, *more):
    output = model.parent / "predictions.parquet"
    command = ["--model", str(model), "--table", str(table), "--split", "test", "--overwrite"]
    assert predict.main([*command, "--output", str(output), *more]) == 0
    return pq.read_table(output)


def measured(model, table, split="test"):
    out = model.parent / "measured.json"
    command = ["--model", str(model), "--table", str(table), "--split", split]
    assert evaluate.main([*command, "--json", str(out)]) == 0
    return json.loads(out.read_text())


def test_a_model_without_is_what_it_was(models, made):
    card = read_card(models["logistic", "plain"])
    assert card.decisions is None
    assert "decisions" not in measured(models["logistic", "plain"], made)
    assert predicted(models["logistic", "plain"], made).column_names[-3:] == [
        *["score_ant", "score_bee", "score_cow"],
    ]


def test_calibration_betters_the_probabilities_everywhere_alike(models, made):
    plain, other = models["logistic", "plain"], models["logistic", "all"]
    assert read_card(other).decisions.temperature > 1.5
    before, after = measured(plain, made), measured(other, made)
    assert after["log_loss"] < before["log_loss"] * 0.9
    assert after["calibration_error"] < before["calibration_error"] * 0.9
    assert after["accuracy"] == before["accuracy"]
    assert after["decisions"]["before"] == {
        "log_loss": pytest.approx(before["log_loss"]),
        "calibration_error": pytest.approx(before["calibration_error"]),
    }
    card = read_card(other)
    again = measured(other, made, "validation")
    assert again["log_loss"] == pytest.approx(card.metrics["validation"]["log_loss"])

    rows = predicted(other, made, "--probabilities")
    shares = np.column_stack([rows[f"probability_{name}"].to_numpy() for name in CLASSES])
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    np.testing.assert_allclose(rows["probability"].to_numpy(), shares.max(axis=1))
    true = [CLASSES.index(label) for label in rows["label"].to_pylist()]
    loss = -np.log(shares[np.arange(len(true)), true]).mean()
    assert loss == pytest.approx(after["log_loss"])
    assert rows["predicted"].equals(predicted(plain, made)["predicted"])
    report = ff.compare([plain, other], table=made)
    assert report.reports[1].measured.log_loss == pytest.approx(after["log_loss"])
    samples = ff.load(made, "test")
    judged = load_model(other).judge(samples.features).probabilities
    places = [list(samples.ids).index(name) for name in rows["image_id"].to_pylist()]
    np.testing.assert_allclose(judged[places], shares, rtol=1e-9)


def test_an_svm_gets_probabilities(models, made):
    plain, other = models["linear_svm", "plain"], models["linear_svm", "all"]
    assert measured(plain, made)["log_loss"] is None
    found = measured(other, made)
    assert found["log_loss"] < np.log(3) * 0.8
    assert found["calibration_error"] < 0.15
    assert found["decisions"]["before"] is None
    assert predicted(plain, made, "--probabilities", "--top", "2")["probability_ant"].null_count
    assert predicted(other, made)["probability"].null_count == 0


@pytest.mark.parametrize("head", ["logistic", "linear_svm"])
def test_what_is_predicted_is_what_is_measured(head, models, made):
    rows = predicted(models[head, "all"], made, "--top", "2").to_pylist()
    found = measured(models[head, "all"], made)["decisions"]
    decided = [row for row in rows if row["decided"] is not None]
    assert 0 < len(decided) < len(rows)
    assert found["thresholds"]["decided"] == pytest.approx(len(decided) / len(rows))
    right = np.mean([row["decided"] == row["label"] for row in decided])
    assert found["thresholds"]["accuracy"] == pytest.approx(right)
    assert right > np.mean([row["predicted"] == row["label"] for row in rows])
    held = np.mean([row["label"] in row["set"] for row in rows])
    assert found["sets"]["coverage"] == pytest.approx(held)
    assert held > 0.82  # 144 images of 90 %: three standard deviations below
    assert found["sets"]["classes"] == pytest.approx(np.mean([len(row["set"]) for row in rows]))
    for row in rows:
        assert row["top_classes"][0] == row["predicted"]
        assert row["top_probabilities"] == sorted(row["top_probabilities"], reverse=True)
        assert row["top_probabilities"][0] == row["probability"]


def test_thresholds_reach_on_validation_what_was_asked_for(models, made, capsys):
    found = measured(models["logistic", "all"], made, "validation")["decisions"]
    per_class = found["thresholds"]["per_class"]
    assert all(each["precision"] >= 0.97 for each in per_class.values())
    said = capsys.readouterr().out
    for line in (
        "log loss before calibration",
        "class in a set for 0.9",
        "class at precision=0.97",
    ):
        assert line in said


@pytest.mark.parametrize(
    "option",
    ["--calibrate --calibrate_on=validation", "--threshold=f1", "--coverage=0.9"],
)
def test_without_a_split_to_fit_on_it_is_refused_before_any_training(option, made, capsys):
    model = made.parent / "never"
    options = [*option.split(), "--validation_split", "none"]
    assert run_train(made, "logistic", model, *options) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert (
        f"{options[0].partition('=')[0]} is fitted on images that the head was not trained" in said
    )
    assert not model.exists()


def test_one_class_or_too_few_images_are_refused_before_any_training(tmp_path, capsys):
    table = tmp_path / "features"
    write_table(table, {"train": 3, "validation": 1}, CLASSES)
    for option in ("--calibrate", "--threshold=f1"):
        assert run_train(table, "logistic", tmp_path / "never", option) == 2
        assert "all in split 'validation' are of one" in capsys.readouterr().err
    assert run_train(table, "logistic", tmp_path / "never", "--coverage", "0.95") == 2
    assert "--coverage 0.95 takes 19 images to validate on at least, and there are 16" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "never").exists()
    assert run_train(table, "logistic", tmp_path / "enough", "--coverage", "0.9") == 0


def by_hand(made, head, folds, seed=0):
    """What scikit-learn's head says of each image trained on, fitted without its fold."""
    samples = ff.load(made, "train")
    targets = np.array([CLASSES.index(label) for label in samples.labels])
    said = np.zeros((len(targets), len(CLASSES)))
    cutter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for rest, fold in cutter.split(said, targets):
        fitted = make_pipeline(StandardScaler(), head).fit(samples.features[rest], targets[rest])
        said[fold] = fitted.decision_function(samples.features[fold])
    return said, targets


@pytest.mark.acceptance
def test_out_of_fold_it_is_fitted_to_what_heads_say_that_did_not_see_an_image(made, tmp_path):
    options = ["--C", "100", "--calibrate", "--validation_split", "none"]
    assert run_train(made, "logistic", tmp_path / "m", *options) == 0
    logits, targets = by_hand(made, LogisticRegression(C=100, max_iter=1000, random_state=0), 5)
    found = read_card(tmp_path / "m").decisions
    assert found.temperature == pytest.approx(fit_temperature(log_odds(logits), targets), rel=1e-6)
    assert (found.split, found.images, found.folds) == ("train", 96, 5)

    ff.train(
        made, model=tmp_path / "svm", head="linear_svm", C=1, calibrate=True,
        calibrate_by="isotonic", calibrate_on="folds", threshold="f1",
    )  # fmt: skip
    scores, targets = by_hand(made, LinearSVC(C=1, max_iter=1000, random_state=0), 5)
    found = read_card(tmp_path / "svm").decisions
    for curve, wanted in zip(found.isotonic, fit_curves(scores, targets), strict=True):
        np.testing.assert_allclose(curve, wanted, rtol=1e-6)
    # Thresholds are of the split validated on, as ever.
    assert (found.split, found.images, found.folds) == ("validation", 144, 5)
    assert measured(tmp_path / "svm", made)["log_loss"] < np.log(3) * 0.8
    with pytest.raises(UsageError, match="isotonic curves cannot be exported"):
        answers_of(load_model(tmp_path / "svm"))
    # A training again calibrates as the one before.
    again = ff.refit(tmp_path / "svm", to=tmp_path / "again").card
    assert again.decisions == found


def test_an_isotonic_calibration_says_what_was_before(models, made, tmp_path):
    report = ff.train(
        made, model=tmp_path / "m", head="logistic", C=100, calibrate=True, calibrate_by="isotonic"
    )
    assert len(report.card.decisions.isotonic) == 3
    assert report.card.decisions.folds is None
    before, after = measured(models["logistic", "plain"], made), measured(tmp_path / "m", made)
    assert after["calibration_error"] < before["calibration_error"] * 0.9
    assert after["decisions"]["before"]["log_loss"] == pytest.approx(before["log_loss"])
    assert after["decisions"]["before"]["calibration_error"] == pytest.approx(
        before["calibration_error"]
    )


def test_folds_that_cannot_be_cut_or_are_not_of_a_table_are_refused(tmp_path, dataset, capsys):
    table = write_table(tmp_path / "features", {"train": 2}, CLASSES[:2])
    add_file(table, "cow", "train", np.ones((1, 32), np.float32))
    assert run_train(tmp_path / "features", "logistic", tmp_path / "m", "--calibrate") == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "class 'cow' has one image, or images that no fold may part" in said
    assert run_train(tmp_path / "features", "logistic", tmp_path / "m", "--calibrate_on=folds") == 2
    assert "--calibrate_on has no meaning without --calibrate" in capsys.readouterr().err
    command = ["--from_images", str(dataset), "--head", "convnet", "--model", str(tmp_path / "m")]
    assert train.main([*command, "--calibrate", "--calibrate_on=folds"]) == 2
    assert "--calibrate_on folds is for --table" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    "option", ["--threshold=f3", "--coverage=1", "--coverage=0", "--coverage=x"]
)
def test_other_values_are_no_options(option, made, capsys):
    assert run_train(made, "logistic", made.parent / "never", option) == 2
    assert option.partition("=")[0] in capsys.readouterr().err


def test_a_precision_that_no_threshold_reaches_is_one_line_and_costs_no_model(
    made, tmp_path, capsys
):
    model = tmp_path / "model"
    options = ["--C", "1e-9", "--threshold", "precision=1", "--json", str(tmp_path / "card.json")]
    table = tmp_path / "features"
    write_table(table, {"train": 3, "validation": 3, "test": 3}, CLASSES)
    shutil.rmtree(model, ignore_errors=True)
    assert run_train(table, "logistic", model, *options) == 0
    thresholds = read_card(model).decisions.thresholds
    never = [name for name in CLASSES if thresholds[name] is None]
    said = [line for line in capsys.readouterr().err.splitlines() if "reached by no" in line]
    assert len(said) == bool(never)
    assert not never or f"for {', '.join(never)}, which no image" in said[0]


def test_a_card_that_contradicts_itself_is_refused(models):
    text = (models["logistic", "all"] / "card.json").read_text()
    card = json.loads(text)
    for change, complaint in (
        ({"temperature": 0.0}, "not above 0"),
        ({"temperature": -1.0}, "not above 0"),
        ({"sigmoids": [[1.0, 0.0]] * 3}, "both a temperature and sigmoids"),
        ({"temperature": None, "sigmoids": [[1.0, 0.0]]}, "1 sigmoids for 3 classes"),
        ({"thresholds": {"ant": 0.0}}, "thresholds are not of its classes"),
        ({"coverage": None}, "without the least score"),
        ({"coverage": 1.5}, "not between 0 and 1"),
        ({"later": 1}, "unknown field 'later'"),
    ):
        damaged = {**card, "decisions": {**card["decisions"], **change}}
        with pytest.raises(ValueError, match=complaint):
            card_from_json(json.dumps(damaged).encode())
    older = {name: value for name, value in card.items() if name != "decisions"}
    assert card_from_json(json.dumps(older).encode()).decisions is None


def test_python_trains_and_predicts_the_same(models, made, tmp_path):
    report = ff.train(
        made, model=tmp_path / "m", head="logistic", C=100, calibrate=True,
        threshold="precision=0.97", coverage=0.9,
    )  # fmt: skip
    assert report.card.decisions == read_card(models["logistic", "all"]).decisions
    rows = ff.predict(report.model, table=made, split="test", probabilities=True, top=2).rows
    assert rows.equals(predicted(models["logistic", "all"], made, "--probabilities", "--top", "2"))
    samples = ff.load(made, "test")
    of_features = ff.predict(report.model, features=samples.features).rows["set"].to_pylist()
    of_rows = dict(zip(rows["image_id"].to_pylist(), rows["set"].to_pylist(), strict=True))
    assert of_features == [of_rows[name] for name in samples.ids]
