"""A search of what does not fit into memory finds what one in memory finds."""

import json
import threading
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from classifiers import search
from classifiers.data.folds import cut
from classifiers.data.memory import MemoryBudget
from classifiers.searching import fold_paths, room, stream_passes, stream_paths, streamed, voting
from classifiers.searching.data import DividedRows
from classifiers.searching.held import Task
from classifiers.searching.lockstep import Lockstep
from classifiers.searching.settings import Space
from pipelines.errors import UsageError
from tests.classifiers.tables import write_table


def run(table, folder, *more):
    result = folder / "result.json"
    options = ["--table", str(table), "--C", "1e-4,1e-2", *more]
    assert search.main([*options, "--json", str(result)]) == 0
    return json.loads(result.read_text())


class Rows:
    """Rows that are given in three blocks, in no order."""

    def __init__(self, features, targets, folds):
        self.features, self.targets, self.folds = features, targets, folds
        size = features.shape[1]
        self.parts = (SimpleNamespace(length=size, batch_bytes=4 * size * 20, batch_rows=20),)

    def map(self, work, places=None):
        wanted = np.arange(len(self.targets)) if places is None else places
        for part in np.array_split(wanted[np.argsort(wanted * 7 % 11, kind="stable")], 3):
            yield work(self.features[part], part)

    def within(self, _):
        return self

    def refuse(self, bad):
        assert not bad


def scores(rows, space, weights, memory):
    """Accuracies by path and fold, and how many fits each pass was for."""
    tasks = [Task(path, place) for place in range(len(rows.folds)) for path in space.paths()]
    found, shared = {}, []
    whole = stream_passes.slopes

    def counted(*given):
        shared.append(len(given[-1]))
        return whole(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream_passes, "slopes", counted)
        streamed.score_streamed(
            *(rows, tasks, weights, MemoryBudget(memory, "given"), 0),
            lambda task, outcomes: found.update({(task.path.name, task.place): list(outcomes)}),
        )
    return found, shared


@pytest.mark.parametrize(("classes", "scalers"), [(2, ("none",)), (3, ("standardise", "l2"))])
def test_scores_are_those_of_features_in_memory(classes, scalers, monkeypatch, capsys):
    monkeypatch.setattr(stream_paths, "TOLERANCE", 1e-5)
    random = np.random.default_rng(classes + 10)
    targets = np.arange(90) % classes
    features = random.normal(0, 1, (90, 12)) * np.linspace(0.5, 2, 12) + 0.5
    features[:, :classes] += 0.8 * np.eye(classes)[targets]
    features = features.astype(np.float32)
    folds = cut(targets, np.arange(90), np.arange(90) % 9 > 0, 2, seed=1)
    rows, weights = Rows(features, targets, folds), np.array([1.0, 3.0, 0.5])[:classes]
    grids = {"C": (1e-3, 0.1), "k": (1, 9), "temperature": (0.07, 0.5)}
    heads = ("logistic", "linear_svm", "ridge", "knn")
    space = Space(heads, ("none",), scalers, grids)
    found, shared = scores(rows, space, weights, 10**6)
    for path, (place, fold) in product(space.paths(), enumerate(folds)):
        if path.head == "knn":
            expected = voting.outcomes(features, targets, fold, weights, path.points)
        else:
            data = fold_paths.prepare(features, targets, fold, path.scaler, weights)
            expected = fold_paths.outcomes(path.head, data, grids["C"])
        assert found[path.name, place] == expected, (path, place)
    assert len({each.accuracy for of in found.values() for each in of}) > 4
    # All fits of all folds go on together, and those that are done leave the others.
    assert shared[0] == max(shared) == 3 * len(scalers) * len(folds)
    assert f"pass 1 over 90 rows, fits: {shared[0]}" in capsys.readouterr().err


def test_fewer_fits_at_once_where_there_is_less_room():
    random = np.random.default_rng(1)
    rows = Rows(random.normal(0, 1, (20, 8)).astype(np.float32), np.arange(20) % 2, [])
    rows.folds = cut(rows.targets, np.arange(20), np.ones(20, bool), 5, seed=1)
    space = Space(("ridge",), ("none",), ("standardise",), {"C": (0.1, 1.0)})
    blocks = room.BLOCK_COPIES * (room.blocks_ahead() + 1) * rows.parts[0].batch_bytes
    each = stream_paths.fit_bytes(1, 8)
    plenty, shared = scores(rows, space, np.ones(2), blocks + 5 * each)
    little, fewer = scores(rows, space, np.ones(2), blocks + 2 * each)
    assert plenty == little
    assert (max(shared), max(fewer)) == (5, 2)
    with pytest.raises(UsageError, match="too little to search in passes over the rows; give"):
        scores(rows, space, np.ones(2), blocks + each - 1)


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
    monkeypatch.setattr(DividedRows, "workers", lambda *_: 0)
    assert search.main(["--table", str(table)]) == 1
    assert "of 4 rows are not finite" in capsys.readouterr().err.splitlines()[-1]


def test_a_search_in_passes_that_was_stopped_goes_on_from_the_next_c(tmp_path, monkeypatch):
    write_table(tmp_path / "table", {"train": 4}, ("a", "b"))
    options = ("--heads", "logistic,knn", "--k", "3", "--folds", "2")
    expected = run(tmp_path / "table", tmp_path, *options)["findings"]
    monkeypatch.setattr(DividedRows, "workers", lambda *_: 0)
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


def test_a_best_that_could_not_be_trained_is_refused_first(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(room, "blocks_ahead", lambda: 1)
    write_table(tmp_path / "table", {"train": 8}, ("a", "b"))
    options = ["--heads", "logistic,ridge", "--memory", "45K", "--model", str(tmp_path / "model")]
    assert search.main(["--table", str(tmp_path / "table"), *options]) == 2
    assert "a model of ridge, standardise has to hold 53.2 kB" in capsys.readouterr().err
