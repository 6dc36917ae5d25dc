"""A search of what does not fit into memory finds what one in memory finds."""

import json
import threading

import numpy as np
import pytest

from classifiers import search
from classifiers.searching import stream_passes, streamed
from classifiers.searching.data import DividedRows
from classifiers.searching.lockstep import Lockstep
from tests.classifiers.tables import write_table

KNN = ("--k", "1,9", "--temperature", "0.07,0.5")


def run(table, folder, *more):
    result = folder / "result.json"
    options = ["--table", str(table), "--C", "1e-4,1e-2", *more]
    assert search.main([*options, "--json", str(result)]) == 0
    return json.loads(result.read_text())


@pytest.mark.parametrize(
    ("classes", "shape", "options"),
    [
        (("a", "b"), (32,), ("--scalers", "l2,none", "--folds", "3")),
        (("a", "b", "c"), (32,), ("--class_weight", "a=2,b=1,c=0.5", "--folds", "2")),
        (("a", "b"), (2, 2, 8), ("--poolings", "none,max", "--validation")),
    ],
)
def test_scores_are_those_of_features_in_memory(
    tmp_path, monkeypatch, capsys, classes, shape, options
):
    table = tmp_path / "table"
    write_table(table, {"train": 6, "validation": 3}, classes, shape)
    options = (*options, "--heads", "logistic,linear_svm,ridge,knn", *KNN)
    held = run(table, tmp_path, *options)
    capsys.readouterr()
    monkeypatch.setattr(streamed.stream_paths, "TOLERANCE", 1e-6)
    monkeypatch.setattr(DividedRows, "workers", lambda *_: 0)
    found = run(table, tmp_path, *options)
    assert "pass 1 over" in capsys.readouterr().err
    for one, other in zip(held["findings"], found["findings"], strict=True):
        assert one["setting"] == other["setting"]
        assert one["accuracies"] == pytest.approx(other["accuracies"], abs=1e-9), one["setting"]
    assert len({each["mean"] for each in found["findings"]}) > 4


def test_fits_share_their_passes(tmp_path, monkeypatch):
    table = tmp_path / "table"
    write_table(table, {"train": 4}, ("a", "b"))
    shared = []
    whole = stream_passes.slopes

    def counted(rows, roles, weights, points):
        shared.append(len(points))
        return whole(rows, roles, weights, points)

    monkeypatch.setattr(stream_passes, "slopes", counted)
    monkeypatch.setattr(DividedRows, "workers", lambda *_: 0)
    run(table, tmp_path, "--heads", "logistic,ridge", "--folds", "4")
    assert max(shared) == 2 * 4
    assert len(shared) < sum(shared) / 3


@pytest.mark.parametrize("where", ["pass", "search"])
def test_an_error_ends_all_searches(where):
    def answer(asked):
        if where == "pass":
            raise OSError("gone")
        return asked

    def search_one(ask):
        for number in range(3):
            assert ask(number) == number
        if where == "search":
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        Lockstep(answer).run([search_one, search_one, lambda ask: [ask(n) for n in range(99)]])
    assert not [each for each in threading.enumerate() if "search" in each.name]


def test_features_that_are_not_finite_are_named(tmp_path, monkeypatch, capsys):
    table = tmp_path / "table"
    write_table(table, {"train": 4}, ("a", "b"))
    from classifiers.data import training_set

    def broken(features, *_):
        return np.where(np.arange(len(features))[:, None] == 5, np.float32(np.nan), features)

    monkeypatch.setattr(training_set, "pool", broken)
    assert search.main(["--table", str(table), "--memory", "35K"]) == 1
    assert "of 4 rows are not finite" in capsys.readouterr().err.splitlines()[-1]


def test_a_search_in_passes_that_was_stopped_goes_on_from_the_next_c(tmp_path, monkeypatch):
    write_table(tmp_path / "table", {"train": 4}, ("a", "b"))
    monkeypatch.setattr(DividedRows, "workers", lambda *_: 0)
    options = ("--heads", "logistic", "--folds", "2")
    expected = run(tmp_path / "table", tmp_path, *options)["findings"]
    out = ("--output", str(tmp_path / "out"))
    whole = stream_passes.slopes

    def stops(*given):
        kept = tmp_path / "out" / "finished.json"
        if kept.exists() and len(json.loads(kept.read_text())["finished"]) == 2:
            raise KeyboardInterrupt
        return whole(*given)

    monkeypatch.setattr(stream_passes, "slopes", stops)
    given = ["--table", str(tmp_path / "table"), "--C", "1e-4,1e-2", *options, *out]
    assert search.main(given) == 130
    kept = json.loads((tmp_path / "out" / "finished.json").read_text())["finished"]
    assert {len(outcomes) for outcomes in kept.values()} == {1}
    monkeypatch.setattr(stream_passes, "slopes", whole)
    found = run(tmp_path / "table", tmp_path, *options, *out)["findings"]
    assert [each["accuracies"] for each in found] == [each["accuracies"] for each in expected]


def test_a_best_that_could_not_be_trained_is_refused_first(tmp_path, capsys):
    write_table(tmp_path / "table", {"train": 8}, ("a", "b"))
    options = ["--heads", "logistic,ridge", "--memory", "45K", "--model", str(tmp_path / "model")]
    assert search.main(["--table", str(tmp_path / "table"), *options]) == 2
    assert "a model of ridge, standardise has to hold 53.2 kB" in capsys.readouterr().err
