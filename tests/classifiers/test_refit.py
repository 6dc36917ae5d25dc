"""refit: the same training again, on the table as it is now."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import frozen_features as ff
from classifiers import refit, train
from classifiers.models.folder import load_model
from pipelines import forget
from tests.classifiers.tables import write_table

DECIDING = ["--calibrate", "--threshold", "precision=0.9", "--coverage", "0.9"]


@pytest.fixture(scope="module")
def made_up(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("refitted") / "table"
    write_table(folder, {"train": 5, "validation": 2}, ("a", "b"))
    return folder


@pytest.fixture
def table(made_up, tmp_path) -> str:
    return str(shutil.copytree(made_up, tmp_path / "table"))


def train_on(table, model, *more) -> None:
    assert train.main(["--table", table, "--model", str(model), *more]) == 0


def without_an_image(table) -> None:
    image = ff.load(table, split="train").ids[3]
    assert forget.main(["--table", table, "--image_id", image]) == 0


def change_card(model: Path, **changes) -> None:
    card = json.loads((model / "card.json").read_text())
    (model / "card.json").write_text(json.dumps(card | changes))


def same(one, other) -> None:
    """Head, decisions and measures of two models, which only their times tell apart."""
    first, second = load_model(Path(one)), load_model(Path(other))
    features = np.random.default_rng(3).normal(0, 2, (50, 32)).astype(np.float32)
    np.testing.assert_array_equal(first.judge(features).scores, second.judge(features).scores)
    for name in (
        "settings",
        "decisions",
        "metrics",
        "rows",
        "splits",
        "class_weight",
        "asked",
        "seed",
    ):
        assert getattr(first.card, name) == getattr(second.card, name), name


@pytest.mark.parametrize(
    "options",
    [
        ["--head", "logistic", "--C", "0.03", "--class_weight", "balanced", *DECIDING],
        ["--head", "linear_svm", "--scaler", "l2", "--C", "2", "--class_weight", "a=2", *DECIDING],
        ["--head", "ridge", "--scaler", "none", "--validation_split", "none", "--seed", "5"],
        ["--head", "knn", "--k", "7", "--temperature", "0.5", "--copies", "0"],
    ],
)
def test_a_model_is_what_the_same_command_makes_of_the_table_now(table, tmp_path, capsys, options):
    model, plain = tmp_path / "m", tmp_path / "plain"
    train_on(table, model, *options)
    before = load_model(model).card
    without_an_image(table)
    assert f"refit --model MODEL), or delete them:\n{model}" in capsys.readouterr().out
    assert refit.main(["--model", str(model)]) == 0
    said = capsys.readouterr()
    assert f"model in {model} after" in said.out
    assert f"{model} was trained on version 1 of the table, 80 images" in said.err
    assert "the table is at version 2" in said.err
    after = load_model(model).card
    assert (before.rows["train"], after.rows["train"]) == (80, 79)
    assert after.table_version == before.table_version + 1
    train_on(table, plain, *options)
    same(model, plain)


def test_a_card_of_before_says_enough(table, tmp_path):
    model, plain = tmp_path / "m", tmp_path / "plain"
    options = ["--head", "logistic", "--class_weight", "a=2,b=1", "--calibrate"]
    train_on(table, model, *options)
    change_card(model, asked=None)
    assert refit.main(["--model", str(model), "--to", str(tmp_path / "new")]) == 0
    train_on(table, plain, *options)
    for each in (tmp_path / "new", plain):
        change_card(each, asked=None)
    same(tmp_path / "new", plain)


def test_a_model_of_a_search_on_both_splits(table, tmp_path):
    found = ff.search(table, C="0.1", model=tmp_path / "m", refit="train+validation")
    assert ff.refit(tmp_path / "m", to=tmp_path / "new").card.rows == {"train": 112}
    same(tmp_path / "m", tmp_path / "new")
    change_card(tmp_path / "m", asked=None)
    assert ff.refit(tmp_path / "m").card.rows == found.trained.card.rows


def test_a_version_gets_a_next_one(table, tmp_path, capsys):
    train_on(table, tmp_path / "m", "--head", "logistic")
    prod = tmp_path / "prod"
    ff.promote(tmp_path / "m", to=prod)
    without_an_image(table)
    assert f"{prod}@1" in capsys.readouterr().out
    assert ff.refit(f"{prod}@1").model == f"{prod}@2"
    assert [ff.load_model(f"{prod}@{n}").card.rows["train"] for n in (1, 2)] == [80, 79]


def test_a_table_that_has_moved(table, tmp_path, capsys):
    model = tmp_path / "m"
    train_on(table, model, "--head", "logistic")
    Path(table).rename(tmp_path / "moved")
    assert refit.main(["--model", str(model)]) == 1
    assert f"no feature table at {table}" in capsys.readouterr().err
    assert refit.main(["--model", str(model), "--table", str(tmp_path / "moved")]) == 0
    assert load_model(model).card.table == str(tmp_path / "moved")


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"settings": {"C": -1}}, 1, "cannot be followed: '-1' is not a finite number above 0"),
        ({"settings": {"scaler": "robust"}}, 1, "cannot be followed: scaler is 'robust'"),
        ({"head": "finetune"}, 2, "is a finetune, of which a card does not say all"),
        ({"table": None}, 2, "was trained on images, not on a table"),
        ({"asked": {"splits": [], "class_weight": "none", "copies": None, "calibrate": False}},
         1, "names 0 splits to train on"),
    ],
)  # fmt: skip
def test_a_card_that_tells_of_no_such_training(table, tmp_path, capsys, changes, status, said):
    model = tmp_path / "m"
    train_on(table, model, "--head", "logistic")
    change_card(model, **changes)
    before = (model / "card.json").read_bytes()
    assert refit.main(["--model", str(model)]) == status
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert (model / "card.json").read_bytes() == before


def test_a_place_that_is_taken(table, tmp_path, capsys):
    for name in ("one", "two"):
        train_on(table, tmp_path / name, "--head", "logistic")
    options = ["--model", str(tmp_path / "one"), "--to", str(tmp_path / "two")]
    assert refit.main(options) == 2
    assert "holds a model; name another, or give --overwrite" in capsys.readouterr().err
    assert refit.main([*options, "--overwrite"]) == 0
