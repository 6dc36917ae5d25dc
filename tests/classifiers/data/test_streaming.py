"""Training on a table four times larger than the memory budget, as a user runs it."""

import json

import pytest

from classifiers import evaluate, train
from classifiers.data import decoding
from classifiers.data.memory import MemoryBudget
from classifiers.data.row_groups import find_rows
from classifiers.data.training_set import HeldSet, StreamedSet, labelled_rows
from classifiers.from_features.holding import choose_holding
from classifiers.heads.dense import DenseHead
from classifiers.heads.scikit import ScikitHead
from pipelines.errors import UsageError
from tests.classifiers.history import read_history
from tests.classifiers.tables import LENGTH, ROWS, write_table

FILES = 160
FEATURES = FILES * ROWS * LENGTH * 4
BUDGET = str(FEATURES // 4)
EPOCHS = ["--epochs", "3", "--learning_rate", "0.01", "--dropout", "0.1"]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large") / "features"
    return write_table(folder, {"train": FILES, "validation": 20, "test": 20}, ("cat", "dog"))


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch):
    monkeypatch.setattr(decoding, "usable_cores", lambda: 2)


@pytest.mark.parametrize(
    ("head", "more"),
    [
        pytest.param(
            "dense",
            [*EPOCHS, "--units", "64", "--class_weight", "dog=1.5"],
            marks=pytest.mark.acceptance,
        ),
        pytest.param("logistic", [], marks=pytest.mark.acceptance),
        pytest.param("linear_svm", ["--C", "0.001"], marks=pytest.mark.acceptance),
    ],
)
def test_a_streamed_head_is_as_good_as_a_held_one(large, tmp_path, capsys, head, more):
    cards = {}
    for name, budget in (("held", "1G"), ("streamed", BUDGET)):
        model = tmp_path / name
        options = ["--table", large.uri, "--model", str(model)]
        assert train.main([*options, "--head", head, "--memory", budget, *more]) == 0
        assert capsys.readouterr().err.startswith(name)
        cards[name] = json.loads((model / "card.json").read_text())
        rows = read_history(model)
        assert len(rows) == (3 if head == "dense" else 1)
        accuracy = cards[name]["metrics"]["validation"]["accuracy"]
        assert float(rows[-1]["val_accuracy"]) == pytest.approx(accuracy, abs=1e-6)
        assert evaluate.main([*options, "--json", str(tmp_path / "result.json")]) == 0
        assert json.loads((tmp_path / "result.json").read_text())["accuracy"] > 0.9
    assert cards["held"]["streamed_within"] is None
    assert cards["streamed"]["streamed_within"] == int(BUDGET)
    for split in ("train", "validation"):
        one, other = (cards[name]["metrics"][split]["accuracy"] for name in cards)
        assert one == pytest.approx(other, abs=0.04 if head == "dense" else 0.004)


def test_the_mode_follows_from_what_the_head_makes_of_the_features(large):
    parts = [labelled_rows(find_rows(large, s), ("cat", "dog"), s) for s in ("train", "validation")]
    for head, most in (
        (DenseHead(), 3 * (FEATURES + FEATURES // 8)),
        (ScikitHead("logistic", 1.0), 3.25 * FEATURES + FEATURES // 8),
        (ScikitHead("linear_svm", 1.0), 8 * FEATURES + FEATURES // 8),
    ):
        for size, kind in ((int(most), HeldSet), (int(most) - 1, StreamedSet)):
            chosen = choose_holding(head, *parts, MemoryBudget(size, "--memory"))
            assert {type(each) for each in chosen.sets.values()} == {kind}
            assert chosen.streams == (kind is StreamedSet)
            assert f"2,560 rows to train on, {head.name}" not in chosen.reason
            assert "2,560 rows to train on, 369 kB of features" in chosen.reason


def test_a_kernel_svm_cannot_be_streamed(large):
    part = labelled_rows(find_rows(large, "train"), ("cat", "dog"), "train")
    budget = MemoryBudget(10**6, "--memory 1M")
    with pytest.raises(UsageError, match=r"makes 1\.97 MB in memory, .* use --head linear_svm or"):
        choose_holding(ScikitHead("rbf_svm", 1.0), part, None, budget)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--head", "dense", "--memory", "9k"], "too little to shuffle this split: give --memory"),
        (["--head", "rbf_svm", "--memory", "9k"], "raise --memory, or use --head linear_svm"),
        (["--head", "dense", "--memory", "much"], "'much' is no size such as 8G"),
    ],
)
def test_mistakes_get_one_line(large, tmp_path, capsys, options, message):
    usual = ["--table", large.uri, "--model", str(tmp_path / "model")]
    assert train.main([*usual, *options]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error
    assert not list(tmp_path.iterdir())
