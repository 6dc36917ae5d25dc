"""A new head is a file and a registration: here is one, and the commands know it."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
import pytest

from classifiers import evaluate, predict, train
from classifiers.heads.catalogue import HEADS
from classifiers.heads.head import Judgement
from classifiers.heads.kind import HeadKind, HeadOption
from classifiers.models.folder import load_model, read_card
from pipelines.cli import positive_real
from pipelines.errors import ModelError
from tests.classifiers.conftest import run_train


class FittedNearest:
    file_name = "means.npy"

    def __init__(self, means):
        self.means = means

    @classmethod
    def load(cls, folder):
        return cls(np.load(folder / cls.file_name))

    def judge(self, features):
        scores = -np.linalg.norm(features[:, None] - self.means, axis=2).astype(np.float64)
        return Judgement(scores.argmax(axis=1), scores, None)

    def save(self, folder):
        np.save(folder / self.file_name, self.means)


@dataclass(frozen=True)
class Nearest:
    """The class whose mean is nearest."""

    scale: float = 1.0
    name: str = "nearest"
    streams: bool = False

    def settings(self):
        return {"name": self.name, "scale": self.scale}

    def check(self, rows):
        pass

    def memory(self, train_bytes, validation_bytes):
        return train_bytes + validation_bytes

    def fit(self, train, validation, classes, class_weight, seed):
        of_class = [train.features[train.targets == number] for number in range(classes)]
        return FittedNearest(np.stack([self.scale * part.mean(axis=0) for part in of_class])), []


KIND = HeadKind(
    "nearest",
    ("nearest means", None),
    (HeadOption("scale", positive_real, "of the means", default=1.0),),
    lambda given, _contract: Nearest(**given),
    FittedNearest,
)


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(HEADS, KIND.name, KIND)


def test_a_registered_head_is_trained_measured_and_asked(table, tmp_path, capsys):
    model = tmp_path / "m"
    assert run_train(table, "nearest", model, "--scale", "0.5") == 0
    assert read_card(model).settings == {"name": "nearest", "scale": 0.5}
    means = np.load(model / "means.npy")
    assert np.array_equal(load_model(model).head.means, means)
    assert run_train(table, "nearest", model, "--overwrite") == 0
    assert np.allclose(np.load(model / "means.npy"), 2 * means)

    assert evaluate.main(["--table", str(table), "--model", str(model)]) == 0
    assert "nearest  test" in capsys.readouterr().out
    out = tmp_path / "p.parquet"
    assert predict.main(["--table", str(table), "--model", str(model), "--output", str(out)]) == 0
    predicted = pq.read_table(out)
    assert predicted.column("predicted").to_pylist() == predicted.column("label").to_pylist()


def test_its_options_are_shown_and_are_of_nobody_else(table, tmp_path, capsys):
    with pytest.raises(SystemExit):
        train.main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "rbf_svm,knn,nearest,convnet}" in shown
    assert "nearest means: --scale SCALE of the means: nearest 1" in shown
    assert "--units UNITS dense 256 " in shown
    assert "--learning_rate LEARNING_RATE dense 2e-05, softmax 0.01, finetune 1e-05 " in shown
    assert "of the head alone: dense 3, softmax 5 " in shown
    defaults = "logistic 0.001, linear_svm 1e-05, ridge 0.0001, rbf_svm 1"
    assert f"inverse regularisation: {defaults} " in shown

    assert run_train(table, "logistic", tmp_path / "m", "--scale", "2") == 2
    assert "--scale is for --head nearest, not for logistic" in capsys.readouterr().err
    assert run_train(table, "nearest", tmp_path / "m", "--C", "2") == 2
    assert "not for nearest" in capsys.readouterr().err
    images = ["--from_images", str(tmp_path), "--model", str(tmp_path / "m")]
    assert train.main([*images, "--head", "nearest"]) == 2
    assert "--head nearest is for --table" in capsys.readouterr().err
    assert train.main([*images, "--head", "convnet", "--scale", "2"]) == 2
    assert "--scale is for --table, not for --from_images" in capsys.readouterr().err


def test_a_model_of_a_head_that_is_not_known_says_so(table, tmp_path, monkeypatch):
    assert run_train(table, "nearest", tmp_path / "m") == 0
    monkeypatch.delitem(HEADS, KIND.name)
    with pytest.raises(ModelError, match="this version knows no head 'nearest'"):
        load_model(tmp_path / "m")


def test_an_option_means_the_same_to_all_that_have_it():
    parsers = defaultdict(set)
    for kind in HEADS.values():
        for option in kind.options:
            parsers[option.name].add((option.parse, option.metavar))
    assert {name: len(each) for name, each in parsers.items()} == dict.fromkeys(parsers, 1)
