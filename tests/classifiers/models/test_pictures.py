"""Labels are data in pictures, and no picture costs a model."""

import numpy as np
import pytest
from PIL import Image

from classifiers.heads.head import Judgement
from classifiers.models.evaluation import evaluate
from classifiers.models.picture_names import names_in_pictures
from classifiers.models.pictures import draw, draw_confusion

HISTORY = [{"epoch": 1.0, "loss": 0.5, "accuracy": 0.7}, {"epoch": 2.0, "loss": 0.4, "accuracy": 1}]


def measured(*classes: str):
    logits = np.eye(len(classes)) * 3.0
    return evaluate(np.arange(len(classes)), Judgement.of_logits(logits), classes)


@pytest.mark.parametrize(
    "name",
    [
        "bill_$10_$20",
        "$\\frac{",
        "a\nb\tc",
        "x" * 300,
        "日本語",
        "🐱 cat",
        "\u0627\u0644",
        "\x1b[31m",
        " ",
    ],
    ids=range(9),
)
def test_any_name_is_drawn(name, tmp_path):
    draw(tmp_path, [], measured("plain", name), "dense", name)
    with Image.open(tmp_path / "confusion.png") as picture:
        picture.load()
        assert picture.format == "PNG"


def test_names_are_cut_and_those_without_letters_are_numbered():
    assert names_in_pictures(["cat", "$x$", "y" * 30, "a\nb", "\U000f0000"]) == [
        "cat",
        "$x$",
        "y" * 23 + "…",
        "a b",
        "class 4",
    ]


@pytest.mark.parametrize("classes", [120])
def test_many_classes_do_not_overlap(classes, tmp_path):
    names = [f"breed number {k}" for k in range(classes)]
    draw_confusion(measured(*names), "dense", tmp_path / "confusion.png")
    with Image.open(tmp_path / "confusion.png") as picture:
        assert picture.size == (1400, 1400)


def test_a_picture_that_cannot_be_drawn_is_told_of(tmp_path, capsys):
    (tmp_path / "curves.png").mkdir()
    draw(tmp_path, HISTORY, measured("cat", "dog"), "dense", "dev")
    assert "no picture" in capsys.readouterr().err
    (tmp_path / "curves.png").rmdir()
    draw(tmp_path, HISTORY, measured("cat", "dog"), "dense", "dev")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["confusion.png", "curves.png"]
