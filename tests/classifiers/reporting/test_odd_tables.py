"""Tables of which there is little to show: a page all the same, or one line."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifiers import report
from classifiers.models.folder import load_model
from classifiers.reporting import label_sets
from classifiers.reporting.job import ReportJob
from classifiers.reporting.making import make_page
from pipelines.errors import UsageError
from pipelines.records import as_label
from pipelines.table.schema import LABELS
from tests.classifiers.conftest import run_train
from tests.classifiers.reporting.pages import Parsed
from tests.classifiers.reporting.tables import two_classes, write_rows
from tests.pipelines.test_contract import CONTRACT


def page_of(folder: Path, *more: str) -> dict:
    output = folder / "page.html"
    assert (
        report.main(
            [
                *("--table", str(folder / "features"), "--output", str(output)),
                *("--allow_uri", str(folder / "pictures"), *more),
            ]
        )
        == 0
    )
    return Parsed(output).data


def rows(count: int, label: str | None = "cats"):
    return [(f"train/{number}.png", label, "train") for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 9])
@pytest.mark.parametrize("label", ["cats", None])
def test_few_images_of_one_class_or_none_are_all_on_the_map(tmp_path, count, label):
    write_rows(tmp_path, rows(count, label), np.random.default_rng(0).normal(size=(count, 4)))
    data = page_of(tmp_path)
    assert data["counts"] == [["train", label or "–", count]]
    assert all(0 <= value <= 1 for value in data["x"] + data["y"])
    assert len({*zip(data["x"], data["y"], strict=True)}) == count


def test_equal_images_do_not_lie_on_each_other(tmp_path):
    write_rows(tmp_path, rows(12), np.full((12, 4), 7.0))
    data = page_of(tmp_path)
    assert len({*zip(data["x"], data["y"], strict=True)}) == 12


def test_features_of_any_size_have_a_place(tmp_path):
    features = np.random.default_rng(0).normal(size=(12, 4)) * 1e38
    write_rows(tmp_path, rows(12), features)
    data = page_of(tmp_path)
    assert len({*zip(data["x"], data["y"], strict=True)}) == 12


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_images_without_finite_features_are_told_and_asked_of_no_model(tmp_path, value):
    table = two_classes(tmp_path / "sound")
    assert run_train(table, "logistic", tmp_path / "model") == 0
    names = [(f"test/{k}.png", ("cats", "dogs")[k % 2], "test") for k in range(12)]
    features = np.random.default_rng(0).normal(size=(12, 8))
    features[3, 2] = value
    write_rows(tmp_path / "odd", names, features)
    data = page_of(tmp_path / "odd", "--model", str(tmp_path / "model"))
    lost = data["ids"].index("test/3.png")
    assert data["x"][lost] is None
    assert data["models"][0]["predicted"][lost] == -1
    assert sum(cell[2] for cell in data["models"][0]["cells"]) == 11
    assert "the features of 1 image hold values that are no finite numbers" in data["notes"][0]


def test_no_finite_features_at_all(tmp_path, capsys):
    table = two_classes(tmp_path / "sound")
    assert run_train(table, "logistic", tmp_path / "model") == 0
    write_rows(tmp_path, rows(4), np.full((4, 8), np.nan))
    assert {*page_of(tmp_path)["x"]} == {None}
    capsys.readouterr()
    options = ["--table", str(tmp_path / "features"), "--output", str(tmp_path / "none.html")]
    assert report.main([*options, "--model", str(tmp_path / "model")]) == 1
    said = capsys.readouterr().err
    assert "finite features" in said
    assert said.count("\n") == 1


def test_a_model_of_another_contract_is_one_line(tmp_path, capsys):
    table = two_classes(tmp_path)
    assert run_train(table, "logistic", tmp_path / "model") == 0
    card = tmp_path / "model" / "card.json"
    said = json.loads(card.read_text())
    other = replace(CONTRACT, image_size=64)
    said["contract"]["image_size"], said["contract_id"] = 64, other.contract_id
    card.write_text(json.dumps(said))
    capsys.readouterr()
    options = ["--table", str(table), "--output", str(tmp_path / "page.html")]
    assert report.main([*options, "--model", str(tmp_path / "model")]) == 2
    said = capsys.readouterr().err
    assert "image_size" in said
    assert said.count("\n") == 1


def test_a_model_that_reads_images_is_one_line(tmp_path, capsys):
    table = two_classes(tmp_path)
    assert run_train(table, "logistic", tmp_path / "model") == 0
    model = load_model(tmp_path / "model")
    with pytest.raises(UsageError, match="reads images, and the page is of heads on features"):
        make_page(
            ReportJob(
                str(table),
                tmp_path / "page.html",
                models=(replace(model, card=replace(model.card, contract=None)),),
            )
        )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "holds none of"),
        ("group,image_id\n", "no column similarity"),
        ("group,image_id,similarity\n1,a,much\n", "cannot read"),
    ],
)
def test_an_audit_that_cannot_be_read_is_one_line(tmp_path, capsys, text, complaint):
    write_rows(tmp_path, rows(2), np.eye(2))
    if text is not None:
        (tmp_path / "duplicates.csv").write_text(text)
    options = ["--table", str(tmp_path / "features"), "--output", str(tmp_path / "page.html")]
    assert report.main([*options, "--audit", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1


def test_images_of_several_labels_go_by_their_sets(tmp_path, monkeypatch):
    said = [("cat", "indoors"), ("indoors", "cat"), ("dog",), (), None, ("dog",), ("cow",)]
    labelled = [
        (f"train/{n}.png", None if each is None else as_label(each), "train")
        for n, each in enumerate(said)
    ]
    write_rows(tmp_path, labelled, np.eye(len(said)), frozenset({LABELS}))
    monkeypatch.setattr(label_sets, "MOST_SETS", 2)
    data = page_of(tmp_path)
    shown = [None if k < 0 else data["labels"][k] for k in data["label"]]
    expected = ["cat, indoors", "cat, indoors", "dog", None, None, "dog", label_sets.OTHER]
    assert shown == expected
    assert data["counts"] == [
        ["train", "–", 2],
        ["train", "cat, indoors", 2],
        ["train", "dog", 2],
        ["train", label_sets.OTHER, 1],
    ]
    assert label_sets.NOTE in data["notes"]
    records = [row for part in data["records"] if "rows" in part for row in part["rows"]]
    assert ["train", "cat", "2"] in records
    assert ["train", "indoors", "2"] in records


@pytest.mark.parametrize("name", ["page.txt", "nowhere/page.html"])
def test_a_page_that_cannot_be_written_is_refused_at_the_door(tmp_path, capsys, name):
    options = ["--table", str(tmp_path / "features"), "--output", str(tmp_path / name)]
    assert report.main(options) == 2
    assert "--output" in capsys.readouterr().err
