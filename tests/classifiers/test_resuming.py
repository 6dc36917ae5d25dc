"""A training that is interrupted and begun again, as a user does it, ends as an undisturbed one."""

import json
from dataclasses import replace

import numpy as np
import pytest

from classifiers import train
from classifiers.heads import course as courses
from classifiers.models.folder import load_model
from tests.classifiers.history import read_history
from tests.classifiers.tables import write_table
from tests.conftest import TINY

DENSE = ["--head", "dense", "--epochs", "4", "--units", "8", "--learning_rate", "0.003"]


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made up") / "features"
    write_table(folder, {"train": 20, "validation": 6}, ("cat", "dog"))
    return ["--table", str(folder)]


def run(arguments, model, *more: str) -> int:
    return train.main([*arguments, "--model", str(model), "--checkpoint_every", "0", *more])


def interrupt_after(monkeypatch, epochs: int) -> None:
    """Have Ctrl-C pressed when so many epochs are done and the next is being trained."""
    plain = courses.Course.add

    def add(self, row) -> None:
        if self.position.epochs == epochs:
            raise KeyboardInterrupt
        plain(self, row)

    monkeypatch.setattr(courses.Course, "add", add)


def weights(model):
    return [each.numpy() for each in load_model(model).head._network.weights]


def comparable(model):
    card = json.loads((model / "card.json").read_text())
    timed = ("seconds", "cpu_seconds", "created", "model_sha256", "course")
    return {name: value for name, value in card.items() if name not in timed}


def check_resuming(arguments, tmp_path, monkeypatch, capsys, stops, untold=()):
    """Interrupt after some epochs; the rest must be as if nothing had happened."""
    models = tmp_path / "models"
    whole, broken = models / "whole", models / "broken"
    assert run(arguments, whole) == 0
    for stop in stops:
        with monkeypatch.context() as patch:
            interrupt_after(patch, stop)
            assert run(arguments, broken) == 130
        assert sorted(path.name for path in models.iterdir()) == ["broken.training", "whole"]
    capsys.readouterr()
    assert run(arguments, broken) == 0
    said = capsys.readouterr().err.splitlines()
    goes_on = f"goes on after epoch {stops[-1]}, which an earlier process had finished"
    assert said.count(goes_on) == 1
    assert sorted(path.name for path in models.iterdir()) == ["broken", "whole"]
    for ours, wanted in zip(weights(broken), weights(whole), strict=True):
        np.testing.assert_array_equal(ours, wanted)
    assert comparable(broken) == comparable(whole)
    for ours, wanted in zip(read_history(broken), read_history(whole), strict=True):
        assert {k: v for k, v in ours.items() if k not in untold} == {
            k: v for k, v in wanted.items() if k not in untold
        }
    kept = json.loads((broken / "card.json").read_text())["course"]
    assert kept.pop("resumed_after") == stops[-1]
    expected = json.loads((whole / "card.json").read_text())["course"]
    assert expected.pop("resumed_after") is None
    assert kept == expected


@pytest.mark.acceptance
def test_an_interrupted_training_goes_on(made_up, tmp_path, monkeypatch, capsys):
    check_resuming([*made_up, *DENSE], tmp_path, monkeypatch, capsys, [1, 3])


@pytest.mark.acceptance
def test_so_does_a_streamed_one_that_keeps_the_best(made_up, tmp_path, monkeypatch, capsys):
    more = ["--memory", "100k", "--keep", "best", "--patience", "3", "--class_weight", "balanced"]
    check_resuming([*made_up, *DENSE, *more], tmp_path, monkeypatch, capsys, [1, 2])


@pytest.mark.acceptance
def test_so_does_a_softmax_head(made_up, tmp_path, monkeypatch, capsys):
    more = ["--head", "softmax", "--epochs", "3"]
    check_resuming([*made_up, *more], tmp_path, monkeypatch, capsys, [2])


@pytest.mark.acceptance
def test_so_does_a_training_on_images_in_each_of_its_steps(dataset, tmp_path, monkeypatch, capsys):
    arguments = ["--from_images", str(dataset), "--head", "finetune", "--image_size", "32"]
    arguments += ["--weights", "random:1", "--units", "8", "--batch_size", "8", "--dropout", "0.5"]
    arguments += ["--head_epochs", "2", "--epochs", "2", "--keep", "best", "--rotation", "10"]
    untold = ("seconds", "cpu_seconds")
    check_resuming(arguments, tmp_path, monkeypatch, capsys, [1, 3], untold)


@pytest.mark.acceptance
def test_so_does_fine_tuning_on_features_in_each_of_its_steps(
    dataset, make_job, tmp_path, monkeypatch, capsys
):
    from pipelines.driver import extract

    table = tmp_path / "features"
    extract(make_job(dataset, table, features=replace(TINY, layer="block4_pool")))
    arguments = ["--table", str(table), "--head", "finetune", "--weights", "random:1"]
    arguments += ["--head_epochs", "2", "--epochs", "2", "--units", "8"]
    check_resuming(arguments, tmp_path, monkeypatch, capsys, [1, 3])


def test_without_a_validation_split_there_is_nothing_to_choose_by(made_up, tmp_path, capsys):
    none = ["--validation_split", "none"]
    for option in (["--keep", "best"], ["--patience", "2"]):
        assert run([*made_up, *DENSE, *none, *option], tmp_path / "model") == 2
        (last,) = capsys.readouterr().err.splitlines()[-1:]
        assert last.startswith(f"error: {option[0]}")
        assert "goes by the validation loss, and there is no validation split" in last
    assert list(tmp_path.iterdir()) == []


def test_heads_without_epochs_have_none_to_keep(made_up, tmp_path, capsys):
    for option in (["--keep", "best"], ["--patience", "2"]):
        assert run([*made_up, "--head", "logistic", *option], tmp_path / "model") == 2
        assert "is for --head dense, softmax, finetune" in capsys.readouterr().err
    assert run([*made_up, *DENSE, "--checkpoint_every", "-1"], tmp_path / "model") == 2
