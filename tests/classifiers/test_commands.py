"""train and evaluate as a user runs them, on the tiny table."""

import json
import re
import shutil

import numpy as np
import pytest

import classifiers
from classifiers import evaluate, predict, train
from classifiers.models.folder import load_model, read_card
from pipelines.images.splits import TEST
from tests.classifiers.conftest import run_train
from tests.classifiers.history import read_history
from tests.conftest import write_dataset

EPOCHS = ["--epochs", "3", "--learning_rate", "0.001"]


def test_a_card_from_before_a_field_came_is_read(logistic, tmp_path):
    shutil.copytree(logistic, tmp_path / "model")
    card = json.loads((logistic / "card.json").read_text())
    del card["contract"]["top"]
    (tmp_path / "model/card.json").write_text(json.dumps(card))
    assert read_card(tmp_path / "model") == read_card(logistic)
    assert read_card(logistic).contract.contract_id == card["contract_id"]


@pytest.mark.parametrize(
    ("head", "more", "file", "pictures"),
    [
        ("dense", EPOCHS, "model.keras", {"curves.png", "confusion.png"}),
        (
            "softmax",
            ["--epochs", "3", "--learning_rate", "1e-5"],
            "model.keras",
            {"curves.png", "confusion.png"},
        ),
        ("logistic", [], "model.skops", {"confusion.png"}),
        ("linear_svm", ["--C", "0.01"], "model.skops", {"confusion.png"}),
        ("rbf_svm", ["--class_weight", "balanced"], "model.skops", {"confusion.png"}),
    ],
)
def test_a_training_writes_a_model_folder(table, tmp_path, capsys, head, more, file, pictures):
    folder = tmp_path / "model"
    assert run_train(table, head, folder, "--seed", "5", *more) == 0
    printed = capsys.readouterr().out
    assert re.search(rf"{head} +train +48 +\d\.\d{{3}}", printed)
    names = {path.name for path in folder.iterdir()}
    assert names == {file, "card.json", "history.csv", *pictures}
    for picture in pictures:
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")

    card = json.loads((folder / "card.json").read_text())
    assert card["head"] == head
    assert card["classes"] == ["dark", "light"]
    assert card["contract"]["base"] == "VGG16"
    assert (card["table_version"], card["seed"]) == (1, 5)
    assert card["rows"] == {"train": 48, "validation": 20}
    assert card["metrics"]["validation"]["accuracy"] >= 0.9
    assert card["versions"]["keras"]
    assert card["contract_id"] == read_card(folder).contract.contract_id
    rows = read_history(folder)
    assert len(rows) == (3 if "curves.png" in pictures else 1)
    measured = card["metrics"]["validation"]["accuracy"]
    assert float(rows[-1]["val_accuracy"]) == pytest.approx(measured, abs=1e-6)
    assert list(folder.parent.iterdir()) == [folder]


def test_evaluation(table, logistic, tmp_path, capsys):
    result = tmp_path / "result.json"
    options = ["--table", str(table), "--model", str(logistic), "--json", str(result)]
    assert evaluate.main(options) == 0
    assert "logistic  test" in capsys.readouterr().out
    values = json.loads(result.read_text())
    samples = classifiers.load(str(table), split=TEST)
    model = load_model(logistic)
    predicted = np.array(model.card.classes)[model.head.judge(samples.features).predicted]
    assert values["accuracy"] == float((predicted == samples.labels).mean())
    assert values["images"] == 20
    assert np.array(values["confusion"]).sum() == 20


@pytest.mark.acceptance
def test_many_classes_and_an_older_version(make_job, tmp_path, capsys):
    from pipelines.driver import extract as run

    classes = tuple("abcde")
    images = write_dataset(tmp_path / "images", {"train": 6, "test": 3}, classes[:4])
    run(make_job(images, tmp_path / "features"))
    write_dataset(tmp_path / "images", {"train": 6, "test": 3}, classes)
    run(make_job(images, tmp_path / "features"))
    table, model = tmp_path / "features", tmp_path / "model"
    assert run_train(table, "logistic", model, "--table_version", "1") == 0
    assert "training without validation" in capsys.readouterr().err
    assert read_card(model).classes == classes[:4]
    assert read_card(model).splits == {"train": "train", "validation": None}
    result = tmp_path / "result.json"
    options = ["--table", str(table), "--model", str(model), "--json", str(result)]
    assert evaluate.main(options) == 0
    assert (
        "left out of split 'test': 3 images of 1 classes without an image to train on: e"
        in capsys.readouterr().err
    )
    values = json.loads(result.read_text())
    assert values["images"] == 12
    assert values["unknown_classes"] == {"e": 3}
    assert run_train(table, "dense", model, "--overwrite", *EPOCHS) == 0
    assert evaluate.main(["--table", str(table), "--model", str(model)]) == 0
    assert "true \\ predicted  a  b  c  d  e" in capsys.readouterr().out


@pytest.mark.acceptance
def test_the_base_is_the_same_bits_before_and_after_heads_are_trained(dataset, table, tmp_path):
    from pipelines.bases import WeightsRequest, fingerprint
    from pipelines.engines.opening import open_base

    base = open_base("VGG16", 32, WeightsRequest("random", seed=1)).model
    before = [variable.numpy() for variable in base.weights]
    for head in ("dense", "logistic"):
        more = EPOCHS if head == "dense" else []
        assert run_train(table, head, tmp_path / head, *more) == 0
        output = ["--output", str(tmp_path / f"{head}.parquet"), "--weights", "random:1"]
        model = ["--model", str(tmp_path / head), "--input", str(dataset)]
        assert predict.main([*model, *output]) == 0
    after = [variable.numpy() for variable in base.weights]
    assert base.trainable_weights == []
    assert [a.tobytes() for a in after] == [b.tobytes() for b in before]
    assert fingerprint(after) == read_card(tmp_path / "dense").contract.weights


@pytest.mark.parametrize("head", ["logistic", "linear_svm"])
def test_a_fit_that_did_not_converge_is_told_at_the_end_and_on_the_card(
    table, tmp_path, capsys, monkeypatch, head
):
    given = ["--table", str(table), "--head", head, "--C", "100"]
    assert train.main([*given, "--model", str(tmp_path / "whole")]) == 0
    assert "converged" not in capsys.readouterr().out
    assert json.loads((tmp_path / "whole/card.json").read_text())["converged"] is True
    monkeypatch.setattr("classifiers.heads.scikit.ITERATIONS", 1)
    assert train.main([*given, "--model", str(tmp_path / "short")]) == 0
    printed = capsys.readouterr()
    assert f"{head} stopped before it converged; a smaller --C helps" in printed.out
    assert json.loads((tmp_path / "short/card.json").read_text())["converged"] is False
