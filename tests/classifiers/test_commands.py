"""train, evaluate and predict as a user runs them, on the tiny table."""

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import classifiers
from classifiers import evaluate, predict, train
from classifiers.registry import load_model, read_card
from pipelines import describe, extract
from pipelines.errors import ModelError
from pipelines.source.splits import TEST
from tests.conftest import TINY, write_dataset

EPOCHS = ["--epochs", "3", "--learning_rate", "0.001"]


def run_train(table: Path, head: str, model: Path, *more: str) -> int:
    return train.main(["--table", str(table), "--head", head, "--model", str(model), *more])


@pytest.fixture(scope="module")
def logistic(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "logistic"
    assert run_train(table, "logistic", folder) == 0
    return folder


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
    rows = list(csv.DictReader((folder / "history.csv").open()))
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


def test_predictions_from_a_table_and_from_images_agree(dataset, table, logistic, tmp_path):
    from_table, from_images = tmp_path / "t.parquet", tmp_path / "i.parquet"
    usual = ["--model", str(logistic), "--output"]
    assert predict.main([*usual, str(from_table), "--table", str(table), "--split", TEST]) == 0
    images = ["--input", str(dataset), "--weights", "random:1"]
    assert predict.main([*usual, str(from_images), *images]) == 0
    one = pq.read_table(from_table).sort_by("image_id")
    other = pq.read_table(from_images).sort_by("image_id")
    other = other.filter(pc.starts_with(other["image_id"], TEST))
    assert other["split"].null_count == other.num_rows == 20
    assert one.column_names == [
        *["image_id", "copy", "label", "split", "predicted", "probability", "error"],
        *["score_dark", "score_light"],
    ]
    assert one.drop_columns(["split", "probability", "score_dark", "score_light"]).equals(
        other.drop_columns(["split", "probability", "score_dark", "score_light"])
    )
    for name in ("probability", "score_dark", "score_light"):
        np.testing.assert_allclose(one[name].to_numpy(), other[name].to_numpy(), rtol=1e-5)

    samples = classifiers.load(str(table), split=TEST)
    judged = load_model(logistic).head.judge(samples.features)
    np.testing.assert_allclose(one["score_light"].to_numpy(), judged.scores[:, 1])
    np.testing.assert_allclose(one["probability"].to_numpy(), judged.probabilities.max(axis=1))
    assert one["predicted"].to_pylist() == [("dark", "light")[k] for k in judged.predicted]


def test_fine_tuning_from_training_to_prediction(dataset, make_job, tmp_path, capsys):
    from pipelines.driver import extract as run

    table, model = tmp_path / "features", tmp_path / "model"
    run(make_job(dataset, table, features=replace(TINY, layer="block4_pool")))
    steps = ["--head_epochs", "2", "--epochs", "1", "--units", "32", "--weights", "random:1"]
    assert run_train(table, "finetune", model, *steps) == 0
    card = json.loads((model / "card.json").read_text())
    assert card["settings"] == {
        "name": "finetune",
        "top": {
            "name": "dense",
            **{"units": 32, "dropout": 0.5, "learning_rate": 2e-5, "epochs": 2, "batch_size": 20},
        },
        "unfreeze": None,
        "learning_rate": 1e-5,
        "epochs": 1,
    }
    rows = list(csv.DictReader((model / "history.csv").open()))
    assert [(row["epoch"], row["trainable"]) for row in rows] == [
        ("1", "4"),
        ("2", "4"),
        ("3", "10"),
    ]
    assert (model / "curves.png").is_file()

    result = tmp_path / "result.json"
    capsys.readouterr()
    assert evaluate.main(["--table", str(table), "--model", str(model), "--json", str(result)]) == 0
    usual = ["--model", str(model), "--output"]
    outputs = [tmp_path / "t.parquet", tmp_path / "i.parquet"]
    assert predict.main([*usual, str(outputs[0]), "--table", str(table), "--split", TEST]) == 0
    images = ["--input", str(dataset), "--weights", "random:1"]
    assert predict.main([*usual, str(outputs[1]), *images]) == 0
    one, other = (pq.read_table(path).sort_by("image_id") for path in outputs)
    other = other.filter(pc.starts_with(other["image_id"], TEST))
    right = pc.mean(pc.equal(one["predicted"], one["label"])).as_py()
    assert json.loads(result.read_text())["accuracy"] == right
    np.testing.assert_allclose(one["score_light"], other["score_light"], rtol=1e-4)

    whole = keras.models.load_model(model / "model.keras")
    paths = [dataset / name for name in one["image_id"].to_pylist()]
    pixels = [
        keras.utils.load_img(path, target_size=(32, 32), interpolation="bilinear") for path in paths
    ]
    scores = whole.predict(np.stack([np.asarray(each) for each in pixels]), verbose=0)
    np.testing.assert_allclose(scores[:, 0], one["score_light"], rtol=1e-4)


def test_an_unusable_image_gets_a_row_that_says_why(dataset, logistic, tmp_path):
    shutil.copytree(dataset / "test", tmp_path / "images/test")
    (tmp_path / "images/test/dark/broken.png").write_bytes(b"no image")
    output = tmp_path / "p.parquet"
    images = ["--input", str(tmp_path / "images"), "--weights", "random:1"]
    assert predict.main(["--model", str(logistic), "--output", str(output), *images]) == 0
    rows = {row["image_id"]: row for row in pq.read_table(output).to_pylist()}
    assert len(rows) == 21
    broken = rows.pop("test/dark/broken.png")
    assert broken["error"] == "not an image that Pillow can read"
    assert broken["predicted"] is broken["probability"] is broken["score_dark"] is None
    assert all(row["error"] is None and row["predicted"] for row in rows.values())


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
    assert evaluate.main(["--table", str(table), "--model", str(model)]) == 1
    assert "class 'e' was not in the training split" in capsys.readouterr().err
    assert run_train(table, "dense", model, "--overwrite", *EPOCHS) == 0
    assert evaluate.main(["--table", str(table), "--model", str(model)]) == 0
    assert "true \\ predicted  a  b  c  d  e" in capsys.readouterr().out


def test_the_base_is_the_same_bits_before_and_after_heads_are_trained(dataset, table, tmp_path):
    from pipelines.engines.opening import open_base
    from pipelines.weights import WeightsRequest, fingerprint

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


def test_a_failed_training_leaves_the_old_model(table, logistic, tmp_path, monkeypatch, capsys):
    model = tmp_path / "model"
    shutil.copytree(logistic, model)

    def fail(*_args):
        raise OSError("No space left on device")

    monkeypatch.setattr("classifiers.training.draw_confusion", fail)
    assert run_train(table, "linear_svm", model, "--overwrite") == 1
    assert "error: No space left" in capsys.readouterr().err
    assert load_model(model).card.head == "logistic"
    assert list(tmp_path.iterdir()) == [model]


def test_overwriting_a_model_spares_what_is_not_its_own(table, logistic, tmp_path, capsys):
    model = tmp_path / "model"
    shutil.copytree(logistic, model)
    (model / "notes.txt").write_text("mine")
    assert run_train(table, "logistic", model, "--overwrite") == 2
    assert "would delete" in capsys.readouterr().err
    assert (model / "notes.txt").read_text() == "mine"


def test_a_damaged_model_is_named(logistic, tmp_path):
    shutil.copytree(logistic, tmp_path / "m")
    (tmp_path / "m/model.skops").write_bytes(b"no zip")
    with pytest.raises(ModelError, match="cannot read"):
        load_model(tmp_path / "m")
    (tmp_path / "m/model.skops").unlink()
    with pytest.raises(ModelError, match=r"has no model\.skops"):
        load_model(tmp_path / "m")
    (tmp_path / "m/card.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot read"):
        read_card(tmp_path / "m")


@pytest.mark.parametrize(
    ("command", "change", "status", "message"),
    [
        (train, ["--table", "{tmp}/nowhere"], 1, "no feature table at"),
        (train, ["--head", "forest"], 2, "--head: invalid choice"),
        (train, ["--train_split", "dev"], 1, "no rows of split 'dev'"),
        (train, ["--epochs", "3"], 2, "--epochs is for --head dense"),
        (train, ["--C", "-1"], 2, "--C: '-1' is not a finite number above 0"),
        (train, ["--head", "dense", "--C", "1"], 2, "--C is for --head logistic"),
        (train, ["--head", "dense", "--dropout", "1"], 2, "--dropout: '1' is not at least 0"),
        (train, ["--head", "softmax", "--momentum", "1"], 2, "--momentum: '1' is not at least 0"),
        (train, ["--head", "softmax", "--decay", "-1"], 2, "--decay: '-1' is not a finite number"),
        (train, ["--head", "dense", "--unfreeze", "x"], 2, "--unfreeze is for --head finetune"),
        (
            train,
            ["--head", "finetune", "--top", "softmax", "--units", "8"],
            2,
            "--units is for --head dense, finetune --top dense, not for finetune --top softmax",
        ),
        (train, ["--head", "finetune", "--weights", "random:1"], 2, "is VGG16's last layer"),
        (train, ["--class_weight", "cat=2"], 2, "--class_weight: no class 'cat'"),
        (train, ["--class_weight", "dark=0, light=1"], 2, "weights must be finite and above 0"),
        (train, ["--C", "nan"], 2, "--C: 'nan' is not a finite number"),
        (train, ["--seed", "99999999999"], 2, "--seed: .* is not a whole number below"),
        (train, ["--validation_split", "val"], 1, "no rows of split 'val'"),
        (train, ["--validation_split", "train"], 2, "is the split that is trained on"),
        (train, ["--head", "dense", "--learning_rate", "1e30"], 1, "the training diverged"),
        (describe, ["--table_version", "-1"], 2, "--table_version: '-1' is not"),
        (describe, ["--table_version", "9"], 1, "has no version 9, only 0 to 1"),
        (train, ["--model", "{tmp}/file"], 2, "is no model folder"),
        (train, ["--model", "{tmp}/file/model"], 1, "file"),
        (train, ["--model", "{logistic}"], 2, "holds a model; name another, or give --overwrite"),
        (train, ["--table_version", "7"], 1, "has no version 7, only 0 to 1"),
        (evaluate, ["--model", "{tmp}"], 1, "no model in"),
        (evaluate, ["--split", "dev"], 1, "no rows of split 'dev'"),
        (evaluate, ["--table", "{tmp}/nowhere"], 1, "no feature table at"),
        (predict, ["--output", "x.csv"], 2, "the predictions are Parquet"),
        (predict, ["--output", "{tmp}/nowhere/x.parquet"], 2, "to write it in"),
        (predict, ["--input", "{tmp}"], 2, "not allowed with argument"),
        (predict, ["--split", "dev"], 1, "no rows of split 'dev'"),
        (predict, ["--weights", "random"], 2, "--weights has no meaning with --table"),
        (predict, ["--table", ""], 2, "the table's location is empty"),
        (train, ["--model", "."], 2, "is the folder you are in"),
    ],
)
def test_mistakes_get_one_line(table, logistic, tmp_path, capsys, command, change, status, message):
    (tmp_path / "file").write_text("x")
    usual = {
        train: ["--table", str(table), "--head", "logistic", "--model", str(tmp_path / "new")],
        describe: ["--table", str(table)],
        evaluate: ["--table", str(table), "--model", str(logistic)],
        predict: [
            *["--table", str(table), "--model", str(logistic)],
            *["--output", str(tmp_path / "p.parquet")],
        ],
    }[command]
    changed = [each.format(tmp=tmp_path, logistic=logistic) for each in change]
    assert command.main([*usual, *changed]) == status
    printed = capsys.readouterr()
    (line,) = [line for line in printed.err.splitlines() if line.startswith("error: ")]
    assert re.search(message, line), line
    assert "Traceback" not in printed.err
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_one_class_only_cannot_be_trained(make_job, tmp_path, capsys):
    from pipelines.driver import extract as run

    images = write_dataset(tmp_path / "images", {"train": 4}, ("only",))
    run(make_job(images, tmp_path / "features"))
    assert run_train(tmp_path / "features", "logistic", tmp_path / "model") == 1
    assert "two classes or more, this split has only 'only'" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_features_of_another_contract_are_refused(dataset, logistic, tmp_path, capsys):
    table = tmp_path / "features"
    options = ["--weights", "random:1", "--image_size", "32", "--preprocessing", "rescale"]
    assert extract.main(["--input", str(dataset), "--table", str(table), *options]) == 0
    output = tmp_path / "p.parquet"
    for command, more in ((evaluate, []), (predict, ["--output", str(output)])):
        assert command.main(["--table", str(table), "--model", str(logistic), *more]) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert "preprocessing: imagenet in the model, rescale in the table" in error
    images = ["--input", str(dataset), "--weights", "random:2", "--output", str(output)]
    assert predict.main(["--model", str(logistic), *images]) == 1
    assert "name the same weights with --weights" in capsys.readouterr().err
    assert not output.exists()
