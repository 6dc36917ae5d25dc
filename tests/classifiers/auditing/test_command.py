"""audit as a user runs it."""

import csv
import json

import numpy as np
import pytest

import frozen_features as ff
from classifiers import audit
from classifiers.auditing.judging import fold_bytes
from classifiers.auditing.labels import judge_labels
from classifiers.auditing.rows import audited_rows, pooled_features
from classifiers.data.memory import MemoryBudget, memory_budget
from classifiers.models.folder import load_model
from pipelines import extract
from pipelines.table.feature_table import FeatureTable
from tests.classifiers.auditing.tables import Row, write_rows
from tests.conftest import base_forbidden, copy_table, write_image

SHAPE = (2, 2, 96)


def picture(random, label="a"):
    """Features of two classes that can be told apart, with places that the mean takes away."""
    channels = random.exponential(1.0, SHAPE[-1])
    channels[: SHAPE[-1] // 2] *= 4.0 if label == "a" else 0.25
    return np.tile(channels, (2, 2, 1))


def some_rows(count=60, seed=0):
    random = np.random.default_rng(seed)
    return [
        Row(f"{'ab'[k % 2]}{k:03d}.jpg", picture(random, "ab"[k % 2]), "ab"[k % 2])
        for k in range(count)
    ]


def run(table, tmp_path, *more):
    """The command's exit status, and what it wrote."""
    folder = tmp_path / "out"
    assert audit.main(["--table", str(table), "--output", str(folder), *more]) == 0
    said = json.loads((folder / "audit.json").read_text())
    files = {}
    for path in folder.glob("*.csv"):
        with path.open(newline="") as file:
            files[path.stem] = list(csv.DictReader(file))
    return said, files


def test_what_is_planted_is_found(tmp_path, capsys):
    rows = some_rows()
    random = np.random.default_rng(1)
    near = rows[4].features * random.uniform(0.97, 1.03, SHAPE)
    rows += [
        Row("copy.jpg", rows[0].features, "a", "test", rows[0].sha256 or "7" * 64),
        Row("same.jpg", rows[2].features, "b", "train"),
        Row("near.jpg", near, "a", "test"),
        Row("odd.jpg", np.tile([0.0] * 95 + [900.0], (2, 2, 1)), "a"),
    ]
    rows[0] = rows[0]._replace(sha256="7" * 64)
    rows[11] = rows[11]._replace(label="a")
    write_rows(tmp_path / "table", rows, SHAPE)
    said, files = run(tmp_path / "table", tmp_path, "--pictures", "0")
    found = [(set(each["image_ids"]), each["kind"]) for each in said["groups"]]
    assert found == [
        ({"a000.jpg", "copy.jpg"}, "same bytes"),
        ({"a004.jpg", "near.jpg"}, "near"),
        ({"a002.jpg", "same.jpg"}, "same features"),
    ]
    assert [each["across_splits"] for each in said["groups"]] == [True, True, False]
    assert [each["under_labels"] for each in said["groups"]] == [False, False, True]
    assert [row["image_id"] for row in files["duplicates"] if row["group"] == "2"] == [
        "a004.jpg",
        "near.jpg",
    ]
    suspects = {each["image_id"]: each["suggested"] for each in said["suspects"]}
    assert suspects["b011.jpg"] == "b"
    assert files["suspects"][0]["confident"] == "True"
    assert "odd.jpg" in {each["image_id"] for each in said["outliers"]}
    assert said["outliers"][0]["image_id"] == "odd.jpg"
    groups = {row["id"]: row for row in files["groups"]}
    assert len(groups) == len(rows)
    assert groups["a000.jpg"]["group"] == groups["copy.jpg"]["group"] != ""
    assert groups["a000.jpg"]["split"] == groups["copy.jpg"]["split"] == "train"
    assert groups["a006.jpg"]["group"] == ""
    printed = capsys.readouterr().out
    assert "a000.jpg, copy.jpg" in printed
    assert "groups of near duplicates" in printed


def test_the_function_gives_what_the_command_writes(tmp_path):
    write_rows(tmp_path / "table", some_rows(), SHAPE)
    said, _ = run(tmp_path / "table", tmp_path, "--pictures", "0")
    report = ff.audit(tmp_path / "table", pictures=0)
    ours = json.loads(json.dumps(report.as_json()))
    del ours["seconds"], said["seconds"]
    assert ours == said


def _broken(row):
    return row._replace(features=np.full(SHAPE, np.nan))


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (some_rows(1), {}),
        ([_broken(row) for row in some_rows(3)], {"features that are no finite numbers": 3}),
        ([_broken(some_rows()[0]), *some_rows()[1:]], {"features that are no finite numbers": 1}),
        (
            [row._replace(features=np.ones(SHAPE)) for row in some_rows(30)],
            {"groups of near duplicates": 1, "outliers": 0, "classes that are small": 2},
        ),
        ([row._replace(features=np.zeros(SHAPE)) for row in some_rows(2)], {}),
        ([row._replace(label=None, split="unlabelled") for row in some_rows()], {}),
        ([row._replace(label="a") for row in some_rows()], {}),
        (some_rows(9), {"classes that are small": 2}),
        ([row._replace(split="fold 3") for row in some_rows()], {}),
    ],
)
def test_odd_tables_are_findings(rows, found, tmp_path):
    write_rows(tmp_path / "table", rows, SHAPE)
    said, files = run(tmp_path / "table", tmp_path)
    assert said["images"] == len(rows)
    assert {name: said["counts"][name] for name in found} == found
    assert said["counts"]["pictures that could not be opened"] == len(rows)
    assert len(files["groups"]) == len(rows)


def test_labels_that_cannot_be_judged_are_said(tmp_path):
    rows = [row._replace(label="a") for row in some_rows(4)]
    write_rows(tmp_path / "one", rows, SHAPE)
    said, _ = run(tmp_path / "one", tmp_path, "--pictures", "0")
    assert said["labels"]["why_not"].startswith("the only label is 'a'")
    write_rows(tmp_path / "few", some_rows(9), SHAPE)
    said, _ = run(tmp_path / "few", tmp_path, "--pictures", "0")
    assert said["labels"]["why_not"].startswith("fewer than two classes have 5 images")
    rows = [*some_rows(), Row("c.jpg", np.ones(SHAPE), "c")]
    write_rows(tmp_path / "third", rows, SHAPE)
    said, _ = run(tmp_path / "third", tmp_path, "--pictures", "0")
    assert said["labels"]["why_not"] == "1 labels were not judged: of classes too small"
    assert said["small_classes"] == [{"label": "c", "images": 1, "apart": 1}]


def test_labels_are_left_where_memory_is_too_little(tmp_path):
    rows = audited_rows(write_rows(tmp_path / "table", some_rows(), SHAPE), None)
    vectors = pooled_features(rows.rows, memory_budget("1G"))
    sound, units = np.ones(60, bool), np.arange(60)
    needed = fold_bytes(sound, SHAPE[-1])
    assert needed == 8 * 5 * (60 + 12) * 96
    for size, judged in ((needed, 60), (needed - 1, 0)):
        found = judge_labels(rows, vectors, sound, units, (), 0, MemoryBudget(size, "--memory x"))
        assert found.judged == judged
    assert "a fold takes 276 kB, and 276 kB (--memory x) are allowed" in found.why_not


def test_pictures_are_opened_where_they_may_be(tmp_path, capsys):
    images = tmp_path / "images"
    rows = some_rows(6)
    for row in rows[:4]:
        write_image(images / row.name, 1, (90, 80))
    (images / rows[4].name).write_bytes(b"no image")
    rows = [row._replace(uri=str(images / row.name)) for row in rows]
    rows[1] = rows[1]._replace(uri="/etc/passwd")
    write_rows(tmp_path / "table", rows, SHAPE)
    said, _ = run(tmp_path / "table", tmp_path)
    assert said["quality"]["opened"] == 0
    assert "--allow_uri names one to open" in capsys.readouterr().out
    said, files = run(tmp_path / "table", tmp_path, "--allow_uri", str(images))
    assert said["quality"]["opened"] == 3
    why = {each["image_id"]: each["why"] for each in said["quality"]["unopened"]}
    assert why.keys() == {rows[k].name for k in (1, 4, 5)}
    assert "not in a folder" in why[rows[1].name]
    assert why[rows[4].name].startswith("not a JPEG")
    assert why[rows[5].name] == "No such file or directory"
    said, files = run(tmp_path / "table", tmp_path, "--allow_uri", str(images), "--pictures", "2")
    assert said["quality"]["opened"] + len(said["quality"]["unopened"]) == 2
    assert list(files["quality"]) == [] or files["quality"][0]["faults"]


def test_suspects_go_back_as_labels_and_groups_as_groups(
    dataset, table, tmp_path, monkeypatch, capsys
):
    """Of the tiny base's table: neither runs the base."""
    where = tmp_path / "features"
    copy_table(table, where)
    wrong = "train/dark/dark003.png"
    listed = tmp_path / "wrong.csv"
    listed.write_text(f"path,label,split\n{wrong},light,train\n")
    tiny = ["--table", str(where), "--weights", "random:1", "--image_size", "32"]
    roots = ["--input_root", str(dataset)]
    with base_forbidden(monkeypatch):
        assert extract.main(["--input", str(listed), *roots, *tiny]) == 0
        said, files = run(where, tmp_path)
        assert said["quality"]["opened"] == 88
        (line,) = (row for row in files["suspects"] if row["image_id"] == wrong)
        assert (line["label"], line["suggested"]) == ("light", "dark")
        edited = tmp_path / "edited.csv"
        with edited.open("w", newline="") as file:
            writer = csv.DictWriter(file, line)
            writer.writeheader()
            writer.writerow(line)
        columns = ["--id_column", "image_id", "--label_column", "suggested"]
        assert extract.main(["--input", str(edited), *roots, *columns, *tiny]) == 0
        keys = FeatureTable.open(str(where)).keys().to_pylist()
        assert {(row["split"], row["label"]) for row in keys if row["image_id"] == wrong} == {
            ("train", "dark")
        }
        groups = tmp_path / "out" / "groups.csv"
        groups.write_text(groups.read_text().replace(",light,train,\n", ",light,train,twins\n"))
        assert extract.main(["--input", str(groups), "--input_root", "/", *tiny]) == 0
    keys = FeatureTable.open(str(where)).keys().to_pylist()
    assert len(keys) == 88
    assert {row["group"] for row in keys if row["image_id"] == "train/light/light000.png"} == {
        "twins"
    }


def test_a_model_is_asked_about_what_it_was_not_trained_on(table, logistic, tmp_path):
    said, _ = run(table, tmp_path, "--model", str(logistic), "--pictures", "0")
    assert said["labels"]["judged"] == 88
    judged = ff.audit(table, model=[logistic, logistic], pictures=0)
    assert judged.labels.judged == 88
    assert set(load_model(logistic).card.classes) == {"dark", "light"}


def test_a_models_word_replaces_that_of_the_folds(tmp_path):
    """On the split that it was not trained on alone."""
    rows = some_rows(80)
    rows = [row._replace(split="train" if k < 60 else "test") for k, row in enumerate(rows)]
    wrong = [
        row._replace(label={"a": "b", "b": "a"}[row.label]) if row.split == "train" else row
        for row in rows
    ]
    write_rows(tmp_path / "wrong", wrong, SHAPE)
    write_rows(tmp_path / "table", rows, SHAPE)
    ff.train(tmp_path / "wrong", model=tmp_path / "model", head="logistic")
    said, _ = run(tmp_path / "table", tmp_path, "--pictures", "0")
    assert not any(each["split"] == "test" for each in said["suspects"])
    said, _ = run(
        tmp_path / "table", tmp_path, "--pictures", "0", "--model", str(tmp_path / "model")
    )
    assert sum(each["split"] == "test" for each in said["suspects"]) == 20
    assert not any(each["split"] == "train" for each in said["suspects"])


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--near", "1"], 2, "'1' is not a number above 0 and below 1"),
        (["--near", "nan"], 2, "'nan' is not a number above 0 and below 1"),
        (["--pictures", "some"], 2, "'some' is neither a whole number nor all"),
        (["--split", "tst"], 1, "no rows of split 'tst'"),
        (["--memory", "1M"], 2, "an audit holds a vector of every image"),
        (["--model", "nowhere"], 1, "no model in nowhere"),
        (["--allow_uri", ""], 2, "it is empty; is a variable not set?"),
    ],
)
def test_mistakes_get_one_line(options, status, said, tmp_path, capsys):
    write_rows(tmp_path / "table", some_rows(4), SHAPE)
    assert audit.main(["--table", str(tmp_path / "table"), *options]) == status
    error = capsys.readouterr().err
    assert said in error
    assert error.count("error:") == 1
    assert "Traceback" not in error


def test_models_of_other_features_and_other_classes_are_refused(table, logistic, tmp_path, capsys):
    write_rows(tmp_path / "table", some_rows(40), SHAPE)
    options = ["--table", str(tmp_path / "table"), "--model", str(logistic)]
    assert audit.main(options) == 2
    assert "cannot be compared" in capsys.readouterr().err
    write_rows(
        tmp_path / "more", [row._replace(label=f"{row.label}2") for row in some_rows()], SHAPE
    )
    ff.train(tmp_path / "table", model=tmp_path / "model", head="logistic")
    assert audit.main(["--table", str(tmp_path / "more"), "--model", str(tmp_path / "model")]) == 2
    assert "are not those that are audited" in capsys.readouterr().err


def test_the_output_is_no_file_and_lies_in_no_table(tmp_path, capsys):
    write_rows(tmp_path / "table", some_rows(4), SHAPE)
    (tmp_path / "file").write_text("x")
    for place, said in (
        (tmp_path / "file", "is a file, and a folder is needed"),
        (tmp_path / "table" / "audit", "lies in a table"),
    ):
        assert audit.main(["--table", str(tmp_path / "table"), "--output", str(place)]) == 2
        assert said in capsys.readouterr().err
