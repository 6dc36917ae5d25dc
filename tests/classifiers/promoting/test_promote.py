"""promote as a user runs it, and what is read afterwards by the names of versions."""

import json
from math import comb
from pathlib import Path

import pytest

import frozen_features as ff
from classifiers import evaluate, predict, promote, train
from pipelines import forget
from tests.conftest import copy_table


def run(made_up, model, to, *conditions, more=()):
    options = [each for condition in conditions for each in ("--if", condition)]
    images = ["--table", made_up.table] if conditions else []
    return promote.main(["--model", str(model), "--to", str(to), *options, *images, *more])


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def accuracy(made_up, name) -> float:
    return ff.evaluate(name, table=made_up.table).measured.accuracy


def test_versions_follow_each_other_and_all_stay_readable(made_up, tmp_path, capsys):
    place, report = tmp_path / "prod", tmp_path / "report.json"
    assert run(made_up, made_up.poor, place, "accuracy>=0.5", "better") == 0
    said = capsys.readouterr().out
    assert "better         nothing in place  yes" in said
    assert f"promoted: {made_up.poor} is {place}@1" in said
    assert run(made_up, made_up.good, place, "better", more=["--json", str(report)]) == 0
    assert content(place / "_versions/1") == content(Path(made_up.poor))
    assert content(place / "_versions/2") == content(Path(made_up.good))
    assert sorted(path.name for path in (place / "_versions").iterdir()) == ["1", "2"]
    good, poor = accuracy(made_up, made_up.good), accuracy(made_up, made_up.poor)
    assert good > 0.9 > 0.8 > poor
    named = {"@1": poor, "@2": good, "@latest": good, "": good}
    assert {end: accuracy(made_up, f"{place}{end}") for end in named} == named
    written = json.loads(report.read_text())
    assert (written["before"], written["after"]) == (f"{place}@1", f"{place}@2")
    assert written["measured"][made_up.good]["accuracy"] == good
    assert written["difference"]["difference"] == good - poor


def test_better_is_what_mcnemars_test_says_of_the_images_that_they_tell_apart(made_up, tmp_path):
    place = tmp_path / "prod"
    assert run(made_up, made_up.good, place) == 0
    before = content(place)
    assert run(made_up, made_up.poor, place, "better") == promote.NOT_PROMOTED == 4
    assert run(made_up, made_up.good, place, "better") == 4, "as good is not better"
    assert content(place) == before
    assert run(made_up, made_up.poor, place, "not_worse") == 4
    assert content(place) == before
    report = ff.promote(made_up.poor, to=place, conditions="better", table=made_up.table)
    right = [
        [row["predicted"] == row["label"] for row in ff.predict(
            name, table=made_up.table, split="test"
        ).rows.to_pylist()]
        for name in (made_up.good, made_up.poor)
    ]  # fmt: skip
    lost = sum(good and not poor for good, poor in zip(*right, strict=True))
    won = sum(poor and not good for good, poor in zip(*right, strict=True))
    tail = sum(comb(lost + won, k) for k in range(min(lost, won) + 1)) / 2 ** (lost + won)
    assert report.difference.p_value == pytest.approx(min(1.0, 2 * tail))
    assert report.answers[0].found == (won - lost) / len(right[0])
    assert not report.promoted
    assert f"not promoted: {place}@1 stays in place" in str(report)


def test_a_model_that_is_as_good_is_not_worse(made_up, tmp_path, capsys):
    place = tmp_path / "prod"
    assert run(made_up, made_up.poor, place, "not_worse") == 0
    assert "not_worse  nothing in place  yes" in capsys.readouterr().out
    for model in (made_up.poor, made_up.good, made_up.good):
        assert run(made_up, model, place, "not_worse") == 0
    assert "not_worse  0.0000  yes" in capsys.readouterr().out
    assert ff.load_model(f"{place}@4").card == ff.load_model(made_up.good).card


def test_a_promotion_that_was_overtaken_changes_nothing(made_up, tmp_path, monkeypatch, capsys):
    place, measured = tmp_path / "prod", promote.measured
    assert run(made_up, made_up.poor, place) == 0

    def overtaken(options, model):
        monkeypatch.undo()
        assert run(made_up, made_up.poor, place) == 0
        return measured(options, model)

    monkeypatch.setattr(promote, "measured", overtaken)
    assert run(made_up, made_up.good, place, "better") == 1
    assert f"{place}@2 was put there meanwhile by another process" in capsys.readouterr().err
    assert ff.load_model(place).card == ff.load_model(made_up.poor).card


def test_all_conditions_must_hold(made_up, tmp_path, capsys):
    place = tmp_path / "prod"
    assert run(made_up, made_up.good, place, "accuracy>=0.5", "log_loss<0.001") == 4
    said = capsys.readouterr().out
    assert "accuracy>=0.5" in said
    assert said.splitlines()[-1] == "not promoted: nothing was in place"
    assert not place.exists()


def test_a_models_own_folder_is_its_first_version(made_up, tmp_path, capsys):
    place = tmp_path / "plain"
    options = ["--table", made_up.table, "--head", "logistic", "--model", str(place)]
    assert train.main([*options, "--C", "1e-9"]) == 0
    plain = content(place)
    assert run(made_up, made_up.good, place) == 0
    assert {name: content(place)[name] for name in plain} == plain
    assert ff.load_model(f"{place}@1").card.settings["C"] == 1e-9
    assert ff.load_model(place).card == ff.load_model(f"{place}@2").card
    assert train.main([*options, "--overwrite"]) == 0, "a training adds a version"
    assert f"model in {place}@3 after" in capsys.readouterr().out
    assert ff.load_model(f"{place}@1").card.settings["C"] == 1e-9
    assert run(made_up, f"{place}@1", place) == 0, "back to the first"
    assert ff.load_model(place).card == ff.load_model(f"{place}@1").card
    assert promote.main(["--model", f"{place}@9", "--to", str(place)]) == 1
    assert f"{place} has no version 9, only 4, 3, 2, 1" in capsys.readouterr().err


def test_every_command_reads_a_version(made_up, tmp_path, capsys):
    place, file = tmp_path / "prod", tmp_path / "p.parquet"
    for model in (made_up.good, made_up.poor):
        assert run(made_up, model, place) == 0
    table = ["--table", made_up.table]
    names = ["--model", f"{place}@1", "--compare", str(place)]
    assert evaluate.main([*table, *names]) == 0
    first, second = capsys.readouterr().out.splitlines()[-4:-2]
    assert f"{accuracy(made_up, made_up.good):.3f}" in first
    assert f"{accuracy(made_up, made_up.poor):.3f}" in second
    assert second.startswith(f"{place}@2 ")
    assert predict.main([*table, "--model", f"{place}@1", "--output", str(file)]) == 0
    assert ff.predict(made_up.good, table=made_up.table).predicted == 128
    inside = place / "_versions" / "1" / "new"
    assert train.main([*table, "--head", "logistic", "--model", str(inside.parent)]) == 2
    assert "is a version, which is never replaced; name" in capsys.readouterr().err
    assert predict.main([*table, "--model", str(place), "--output", f"{inside}.parquet"]) == 2
    assert "lies in a model" in capsys.readouterr().err


def test_forget_names_the_version_that_was_promoted(made_up, tmp_path, capsys):
    table, model, place = tmp_path / "table", tmp_path / "m", tmp_path / "prod"
    copy_table(Path(made_up.table), table)
    options = ["--table", str(table), "--head", "logistic", "--model", str(model)]
    assert train.main(options) == 0
    assert run(made_up, model, place) == 0
    (image, *_) = ff.load(table, split="train").ids
    assert forget.main(["--table", str(table), "--image_id", image]) == 0
    said = capsys.readouterr().out
    assert str(model) in said
    assert f"{place}@1" in said


def test_a_table_that_is_gone_costs_a_line(made_up, tmp_path, capsys):
    table, model = tmp_path / "table", tmp_path / "m"
    copy_table(Path(made_up.table), table)
    assert train.main(["--table", str(table), "--head", "logistic", "--model", str(model)]) == 0
    table.rename(tmp_path / "elsewhere")
    assert run(made_up, model, tmp_path / "prod") == 0
    assert "cannot be told of it, so that forget will not name it" in capsys.readouterr().err
    assert not table.exists()


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (
            ["--if", "accuracy"],
            2,
            "'accuracy' is no condition; there are better, not_worse, or a measure",
        ),
        (["--if", "acuracy>=0.9"], 2, "no measure 'acuracy', there are accuracy, balanced"),
        (["--if", "accuracy>=nan"], 2, "'nan' is no finite number"),
        (["--if", "top_5>=0.9", "--table", "{table}"], 2, "this model has no top_5 on these"),
        (
            ["--if", "recall[c]>=0.9", "--table", "{table}"],
            2,
            "recall[c]>=0.9: this model has no class 'c', it has a, b",
        ),
        (
            ["--if", "recal[a]>=0.9"],
            2,
            "no measure 'recal' of a class, there are precision, recall, f1, roc_auc",
        ),
        (["--if", "log_loss[a]>=0.9"], 2, "no measure 'log_loss' of a class, there are precision"),
        (["--if", "recall>=0.9"], 2, "no measure 'recall', there are accuracy, balanced"),
        (["--if", "better"], 2, "--if is about images; name them with --table or --input"),
        (["--table", "{table}"], 2, "have a meaning with --if only"),
        (["--if", "better", "--table", "{table}", "--weights", "x"], 2, "no meaning with --table"),
        (["--to", "{tmp}/file"], 2, "--to {tmp}/file is a file; a model is a folder"),
        (["--to", "{tmp}/other"], 2, "--to {tmp}/other is a folder of other things"),
        (["--to", "{tmp}/prod@2"], 2, "names a version; name the place, whose versions are"),
        (["--to", "{table}/model"], 2, "lies in a table"),
        (["--to", ""], 2, "'' is no path"),
        (["--to", "az://bucket/model"], 2, "stores are s3:// and gs://"),
        (["--to", "s3://bucket"], 2, "s3://bucket is a whole bucket; name a place in it"),
        (["--model", "{tmp}/none"], 1, "no model in {tmp}/none"),
        (["--model", "{tmp}/none@3"], 1, "has no version 3, nor any"),
    ],
)
def test_mistakes_get_one_line(made_up, tmp_path, capsys, options, status, said):
    (tmp_path / "file").write_text("x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/thing").write_text("x")
    names = {"table": made_up.table, "tmp": str(tmp_path)}
    usual = ["--model", made_up.good, "--to", str(tmp_path / "prod")]
    assert promote.main([*usual, *(each.format(**names) for each in options)]) == status
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert said.format(**names) in error
    assert not (tmp_path / "prod").exists()
