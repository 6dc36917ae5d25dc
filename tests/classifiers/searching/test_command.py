"""search as a user runs it, on a table of made-up features."""

import csv
import json

import numpy as np
import pytest

import classifiers
from classifiers import search, train
from classifiers.models.folder import load_model
from classifiers.searching import fold_paths
from classifiers.searching.findings import as_good, best_of, finding
from classifiers.searching.settings import Setting
from tests.classifiers.tables import write_table


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    folder = tmp_path_factory.mktemp("searched") / "table"
    write_table(folder, {"train": 6, "validation": 4, "test": 2}, ("a", "b"))
    return str(folder)


def run(table, *more):
    return search.main(["--table", table, "--C", "1e-4:1:3", *more])


def test_a_search_ends_with_the_best_setting_and_its_model(made_up, tmp_path, capsys):
    out, model, result = tmp_path / "out", tmp_path / "model", tmp_path / "result.json"
    options = ["--scalers", "standardise,l2", "--output", str(out), "--model", str(model)]
    assert run(made_up, *options, "--json", str(result)) == 0
    said = json.loads(result.read_text())
    with (out / "search.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(said["findings"]) == 2 * 2 * 3
    assert (out / "search.png").read_bytes().startswith(b"\x89PNG")
    best = said["best"]
    assert best["mean"] == max(float(row["accuracy"]) for row in rows)
    n, z = said["images"], 1.959964
    share = round(best["mean"] * n) / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    assert said["interval"] == pytest.approx([centre - half, centre + half], abs=1e-6)
    near = [row for row in rows if float(row["accuracy"]) >= best["mean"] - best["error"]]
    assert len(said["as_good"]) == len(near)
    assert said["as_good"][0] == best
    for row in rows:
        folds = [float(row[f"fold_{number}"]) for number in range(1, 6)]
        assert float(row["accuracy"]) == pytest.approx(np.mean(folds))
        assert float(row["error"]) == pytest.approx(np.std(folds, ddof=1) / 5**0.5)
    card = load_model(model).card
    setting = best["setting"]
    assert (card.head, card.settings["C"]) == (setting["head"], setting["values"]["C"])
    assert card.settings.get("scaler", "standardise") == setting["scaler"]
    printed = capsys.readouterr()
    c = setting["values"]["C"]
    words = f"--head {setting['head']} --scaler {setting['scaler']} --C {c:g}"
    assert f"best: {words}: accuracy {best['mean']:.4f}" in printed.out
    assert "path 20 of 20" in printed.err


def test_on_validation_the_scores_are_those_of_trained_models(made_up, tmp_path):
    result = tmp_path / "result.json"
    assert run(made_up, "--validation", "--json", str(result)) == 0
    said = json.loads(result.read_text())
    assert (said["scored_on"], said["folds"], said["images"]) == ("validation", 1, 64)
    for head, c in (("logistic", "0.0001"), ("linear_svm", "0.01")):
        model = tmp_path / head
        options = ["--head", head, "--C", c, "--model", str(model)]
        assert train.main(["--table", made_up, *options]) == 0
        measured = load_model(model).card.metrics["validation"]["accuracy"]
        assert {each["mean"] for each in said["findings"] if each["setting"] == {
            "head": head, "pooling": "none", "scaler": "standardise", "values": {"C": float(c)},
        }} == {measured}  # fmt: skip


def test_a_refit_on_both_splits_is_scikit_learns_fit_of_both(made_up, tmp_path):
    from sklearn.linear_model import LogisticRegression

    model = tmp_path / "model"
    options = ["--heads", "logistic", "--scalers", "none", "--C", "0.01", "--model", str(model)]
    assert search.main(["--table", made_up, *options, "--refit", "train+validation"]) == 0
    loaded = load_model(model)
    assert loaded.card.splits == {"train": "train and validation", "validation": None}
    assert loaded.card.rows == {"train": 96 + 64}
    parts = [classifiers.load(made_up, split) for split in ("train", "validation")]
    features = np.concatenate([part.features for part in parts])
    labels = np.concatenate([part.labels for part in parts]).astype(str)
    plain = LogisticRegression(C=0.01, max_iter=1000).fit(features, labels)
    ours = loaded.head.judge(features).probabilities
    np.testing.assert_allclose(ours, plain.predict_proba(features), atol=1e-3)


def test_a_search_that_was_stopped_goes_on(made_up, tmp_path, capsys, monkeypatch):
    options = ["--output", str(tmp_path / "out"), "--json"]
    whole = fold_paths.outcomes
    done = []

    def stops(*given):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(given[0])
        return whole(*given)

    monkeypatch.setattr(fold_paths, "outcomes", stops)
    monkeypatch.setattr("classifiers.searching.data.usable_cores", lambda: 1)
    assert run(made_up, *options, str(tmp_path / "1.json")) == 130
    monkeypatch.setattr(fold_paths, "outcomes", whole)
    capsys.readouterr()
    assert run(made_up, *options, str(tmp_path / "1.json")) == 0
    assert "goes on from 3 paths, finished or begun" in (said := capsys.readouterr().err)
    assert "path 7 of 7" in said
    assert run(made_up, "--json", str(tmp_path / "2.json")) == 0
    one, two = (json.loads((tmp_path / f"{k}.json").read_text()) for k in (1, 2))
    assert one["findings"] == two["findings"]
    capsys.readouterr()
    assert run(made_up, *options, str(tmp_path / "1.json"), "--seed", "1") == 0
    assert "is of another search and is made anew" in capsys.readouterr().err
    (tmp_path / "out" / "finished.json").write_text('{"question": 1')
    assert run(made_up, *options, str(tmp_path / "1.json")) == 0
    assert "cannot be read and is made anew" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--folds", "49"], 2, "class 'a' has 48 images that folds may part, fewer than --folds"),
        (["--folds", "1"], 2, "'1' is not a whole number from 2 to 1000"),
        (["--folds", "3", "--validation"], 2, "not allowed with argument --folds"),
        (["--heads", "forest"], 2, "no head that can be searched 'forest', there are logistic"),
        (["--scalers", "robust"], 2, "no scaler 'robust', there are standardise, l2, none"),
        (["--C", "1:2"], 2, "neither values such as 0.001,1,100 nor LEAST:GREATEST:COUNT"),
        (["--C", "2:1:3"], 2, "goes from 2 down to 1"),
        (["--C", "0,1"], 2, "'0' is not a finite number above 0"),
        (["--train_split", "fit"], 1, "no rows of split 'fit'"),
        (["--validation", "--validation_split", "none"], 2, "leaves nothing to score"),
        (["--memory", "10K"], 2, "is too little to search in passes over the rows; give --memory"),
    ],
)
def test_mistakes_get_one_line(made_up, tmp_path, capsys, options, status, said):
    out = tmp_path / "out"
    assert run(made_up, "--output", str(out), *options) == status
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert said in error
    assert not out.exists()


def test_nothing_is_written_into_a_table(made_up, capsys):
    assert run(made_up, "--output", made_up) == 2
    assert "search.csv lies in a table" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            lambda x: np.where(np.arange(len(x))[:, None] == 5, np.nan, x),
            "of 1 rows are not finite",
        ),
        (lambda x: np.ones_like(x), "the features of all 96 rows are the same"),
    ],
)
def test_features_of_no_use_are_refused(made_up, monkeypatch, capsys, broken, said):
    from classifiers.searching import data

    read = data.read_features
    monkeypatch.setattr(data, "read_features", lambda *given: broken(read(*given)))
    assert run(made_up) == 1
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_what_does_not_converge_is_told(made_up, monkeypatch, capsys):
    monkeypatch.setattr("classifiers.searching.descent.SLACK", 0.0)
    assert run(made_up, "--heads", "logistic") == 0
    printed = capsys.readouterr()
    assert "logistic stopped before it converged, the first time at C 0.0001" in printed.err
    assert "the best setting stopped before it converged" in printed.out


def test_the_best_and_what_is_as_good():
    def of(c, *accuracies):
        return finding(Setting("logistic", "none", "l2", {"C": c}), accuracies, True, 10)

    found = [of(1.0, 0.7, 0.9), of(0.1, 0.9, 0.7), of(10.0, 0.7, 0.71), of(5.0, 0.6, 0.79)]
    assert best_of(found).setting.values == {"C": 0.1}
    assert [each.setting.values["C"] for each in as_good(found)] == [0.1, 1.0, 10.0]
    assert finding(Setting("logistic", "none", "l2", {"C": 1.0}), [0.5], True, 100).error == 0.05
