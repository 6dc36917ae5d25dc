"""What train, evaluate and predict say of mistakes, and what they leave as it was."""

import errno
import re
import shutil

import pytest

from classifiers import evaluate, predict, train
from classifiers.models.folder import load_model, read_card
from classifiers.models.place import model_draft
from pipelines import describe
from pipelines.errors import ModelError
from tests.classifiers.conftest import run_train
from tests.conftest import write_dataset


def test_a_failed_training_leaves_the_old_model(table, logistic, tmp_path, monkeypatch, capsys):
    model = tmp_path / "model"
    shutil.copytree(logistic, model)

    def fail(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("classifiers.models.folder.csv.DictWriter", fail)
    assert run_train(table, "linear_svm", model, "--overwrite") == 1
    assert "No space left on device; make room, and run" in capsys.readouterr().err
    assert load_model(model).card.head == "logistic"
    assert list(tmp_path.iterdir()) == [model]


def test_of_two_trainings_into_one_folder_none_is_lost(
    table, logistic, tmp_path, monkeypatch, capsys
):
    model = tmp_path / "model"

    def meanwhile(*_args):
        shutil.copytree(logistic, model)

    monkeypatch.setattr("classifiers.from_features.training.draw", meanwhile)
    assert run_train(table, "linear_svm", model) == 1
    (other,) = set(tmp_path.iterdir()) - {model}
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.endswith(f"or give --overwrite; this model is in {other}")
    assert load_model(model).card.head == "logistic"
    assert load_model(other).card.head == "linear_svm"


def test_a_model_that_cannot_be_put_in_place_leaves_the_old_one(tmp_path, logistic):
    model = tmp_path / "model"
    shutil.copytree(logistic, model)
    with pytest.raises(FileNotFoundError), model_draft(model, overwrite=True) as draft:
        draft.rmdir()
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
        (train, ["--train_split", "dev"], 1, "no rows of split 'dev'.*name one with --train_split"),
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
        (train, ["--validation_split", "val"], 1, "no rows of split 'val'.*, or none"),
        (train, ["--validation_split", "train"], 2, "is the split that is trained on"),
        (train, ["--head", "dense", "--learning_rate", "1e30"], 1, "the training diverged"),
        (describe, ["--table_version", "-1"], 2, "--table_version: '-1' is not"),
        (describe, ["--table_version", "9"], 1, "has no version 9, only 0 to 1"),
        (train, ["--model", "{tmp}/file"], 2, "is no model folder"),
        (train, ["--model", "{tmp}/file/model"], 2, "cannot be made: .*/file is a file$"),
        (train, ["--model", "{logistic}"], 2, "holds a model; name another, or give --overwrite"),
        (train, ["--table_version", "7"], 1, "has no version 7, only 0 to 1"),
        (evaluate, ["--model", "{tmp}"], 1, "no model in"),
        (evaluate, ["--split", "dev"], 1, "no rows of split 'dev'.*name one with --split"),
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
