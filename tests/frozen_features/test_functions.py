"""The functions have the commands' options, and do what the commands do."""

import inspect
import json
import traceback

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import classifiers
import frozen_features as ff
from classifiers import evaluate, predict
from frozen_features.commands import COMMANDS, import_command
from frozen_features.keywords import LayoutOptions, parse_keywords
from pipelines import describe
from pipelines.errors import (
    ContractMismatchError,
    InputError,
    ModelError,
    TableError,
    UsageError,
)
from tests.conftest import copy_table, write_image

TINY = {"weights": "random:1", "image_size": 32, "batch_size": 8, "threads": 2, "engine": "keras"}
BESIDES = {"extract": {"beam_options"}, "predict": {"features"}, "report": {"models"}}
"""Arguments that are no options."""

LACKS = {
    "describe": {"bases"},
    "evaluate": {"compare"},
    "report": {"model"},
    "drift": {"fail_if"},
    "plan": {"also"},
}
"""Options that are another function, another argument, an exit status, or refused."""


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "forget"])
def test_a_function_has_the_options_of_its_command(name):
    parameters = dict(inspect.signature(getattr(ff, name)).parameters)
    if parameters.pop("layout", None) is not None:
        none = inspect.Parameter("layout", inspect.Parameter.KEYWORD_ONLY, default=None)
        parameters |= dict.fromkeys(LayoutOptions.__annotations__, none)
    actions = {action.dest: action for action in import_command(name).make_parser()._actions}
    options = actions.keys() - {"help", "json"} - LACKS.get(name, set())
    assert parameters.keys() - BESIDES.get(name, set()) == options
    for option in options:
        if not actions[option].required:
            default = parameters[option].default
            if default is inspect.Parameter.empty or (name, option) == ("predict", "output"):
                continue  # the command has a choice of two of which this is one
            shown = {"true": True, "false": False}.get(actions[option].default)
            assert default == (actions[option].default if shown is None else shown), option


def test_keywords_are_read_as_options_are(tmp_path):
    parser = import_command("extract").make_parser()
    given = {"input": tmp_path, "table": "-t", "top": True, "prune": True, "retry_failures": False}
    more = {"zoom": 0.1, "horizontal_flip": False, "augment": np.int64(2), "layer": None}
    options = parse_keywords(parser, given | more)
    assert (options.input, options.table, options.top) == (str(tmp_path), "-t", "true")
    assert (options.prune, options.retry_failures, options.layer) == (True, False, None)
    assert (options.zoom, options.horizontal_flip, options.augment) == (0.1, False, 2)
    weights = parse_keywords(
        import_command("train").make_parser(),
        {"table": "t", "model": "m", "head": "dense", "class_weight": {"cat": 2, "dog": 0.5}},
    ).class_weight
    assert weights == "cat=2,dog=0.5"
    several = import_command("report").make_parser()
    output = {"table": "t", "output": tmp_path / "page.html"}
    assert len(parse_keywords(several, {**output, "allow_uri": tmp_path}).allow_uri) == 1
    assert len(parse_keywords(several, {**output, "allow_uri": [tmp_path, "x"]}).allow_uri) == 2


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: ff.extract("x", "t", image_size=-1), UsageError, "--image_size: '-1' is not"),
        (lambda: ff.extract("x", "t", prune="no"), UsageError, "prune is True or False, not 'no'"),
        (lambda: ff.extract("x", "t", pooling="mean"), UsageError, "--pooling: invalid choice"),
        (lambda: ff.extract("x", "t", beam_options=["--rnner=x"]), UsageError, "--rnner"),
        (lambda: ff.extract("/nowhere", "t"), InputError, "no folder or manifest at /nowhere"),
        (lambda: ff.plan(), UsageError, "name the images with --input"),
        (lambda: ff.describe("/nowhere"), TableError, "no feature table at /nowhere"),
        (lambda: ff.verify("/nowhere", sample="some"), UsageError, "neither a whole number nor"),
        (lambda: ff.tidy("/nowhere", retention_days=-1), UsageError, "is no number of days"),
        (lambda: ff.forget("/nowhere", "a.png"), UsageError, "give a list of ids"),
        (lambda: ff.forget("/nowhere", []), UsageError, "give a list of ids"),
        (lambda: ff.doctor(base="VGG"), UsageError, "VGG"),
        (lambda: ff.train("/nowhere", model="m", head="forest"), UsageError, "--head: invalid"),
        (lambda: ff.train("/nowhere", model="m"), TableError, "no feature table at /nowhere"),
        (lambda: ff.train(model="m"), UsageError, "--table --from_images is required"),
        (lambda: ff.load_model("/nowhere"), ModelError, "no model in /nowhere"),
        (lambda: ff.evaluate("/nowhere", table="t"), ModelError, "no model in /nowhere"),
        (lambda: ff.evaluate("m"), UsageError, "--table --input is required"),
        (lambda: ff.evaluate("m", table="t", input="i"), UsageError, "not allowed with"),
        (lambda: ff.predict("m"), UsageError, "one of table, input and features"),
        (lambda: ff.predict("m", table="t", input="i"), UsageError, "one of table, input and"),
        (lambda: ff.predict("m", table="t", weights="random"), UsageError, "--weights has no"),
        (lambda: ff.predict("m", input=["a"], split="test"), UsageError, "--split has no meaning"),
        (lambda: ff.predict("m", input=["a"], input_root="r"), UsageError, "a list of images"),
        (lambda: ff.predict("m", input=[]), InputError, "the list of images is empty"),
        (lambda: ff.predict("m", table="t", output="x.csv"), UsageError, "name a file.parquet"),
    ],
)
def test_mistakes_raise_what_the_commands_say(call, error, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as raised:
        call()
    assert said in str(raised.value)
    assert type(raised.value) is error
    assert list(tmp_path.iterdir()) == []


def test_extraction_and_what_is_said_of_it(dataset, table, tmp_path, capsys):
    where = tmp_path / "features"
    report = ff.extract(dataset / "test", where, **TINY)
    assert (report.counts["written"], report.version) == (20, 1)
    assert "written          20" in str(report)
    assert '<td style="text-align: left">written</td><td' in report._repr_html_()
    again = ff.extract(dataset / "test", where, **TINY)
    assert (again.counts["written"], again.counts["present"]) == (0, 20)
    assert capsys.readouterr().out == ""
    with pytest.raises(ContractMismatchError, match="pooling: none in the table, max in these"):
        ff.extract(dataset / "test", where, pooling="max", **TINY)
    with pytest.raises(TableError, match="has no version -1, only 0 to 1"):
        ff.load(where, version=-1)


@pytest.mark.parametrize("version", [None, 1])
def test_a_description_is_what_the_command_prints(table, tmp_path, capsys, version):
    file = tmp_path / "d.json"
    more = [] if version is None else ["--table_version", str(version)]
    assert describe.main(["--table", str(table), "--json", str(file), *more]) == 0
    report = ff.describe(table, table_version=version)
    assert f"{report}\n" == capsys.readouterr().out
    assert json.loads(json.dumps(report.as_json())) == json.loads(file.read_text())
    assert report.table.counts[0] == ("test", "dark", 10, 10)


def test_bases_are_those_of_the_command(capsys):
    assert describe.main(["--bases"]) == 0
    assert f"{ff.bases()}\n" == capsys.readouterr().out


def test_a_table_is_checked_and_kept(dataset, table, tmp_path):
    copy_table(table, tmp_path / "t")
    sound = ff.verify(tmp_path / "t", input=dataset, sample=4, weights="random:1")
    assert (sound.findings, sound.rows, sound.features) == ((), 88, 4)
    merged = ff.tidy(tmp_path / "t")
    assert (merged.merged, merged.into) == (7, 3)
    gone = ff.forget(tmp_path / "t", ["test/dark/dark000.png", "no such"])
    assert gone.images == 1
    assert "images forgotten  1" in str(gone)
    found = ff.verify(tmp_path / "t", input=dataset, sample=0).findings
    assert [finding.where for finding in found] == ["test/dark/dark000.png"]


def test_a_model_by_its_folder_and_in_memory(table, logistic, tmp_path, capsys):
    model = ff.load_model(str(logistic))
    assert model.card.head == "logistic"
    assert evaluate.main(["--table", str(table), "--model", str(logistic)]) == 0
    printed = capsys.readouterr().out
    for given in (model, logistic, str(logistic)):
        assert f"{ff.evaluate(given, table=table)}\n" == printed

    file = tmp_path / "p.parquet"
    options = ["--table", str(table), "--model", str(logistic), "--output", str(file)]
    assert predict.main([*options, "--split", "test"]) == 0
    held = ff.predict(model, table=table, split="test")
    assert held.rows.equals(pq.read_table(file))
    assert (held.predicted, held.failed, held.output) == (20, 0, None)
    written = ff.predict(logistic, table=table, split="test", output=tmp_path / "q.parquet")
    assert written.rows.equals(held.rows)
    assert "<th>predicted</th>" in held._repr_html_()


def test_an_array_of_features_is_predicted_as_its_rows_are(table, logistic):
    features, labels, ids = ff.load(table, split="test")
    assert [*ids] == [*classifiers.load(str(table), split="test").ids]
    by_id = {row["image_id"]: row for row in ff.predict(logistic, table=table).rows.to_pylist()}
    rows = ff.predict(logistic, features=features.tolist()).rows.to_pylist()
    assert [row["image_id"] for row in rows] == [str(number) for number in range(len(ids))]
    for name, row in zip(ids, rows, strict=True):
        assert row["predicted"] == by_id[name]["predicted"]
        assert row["probability"] == pytest.approx(by_id[name]["probability"], abs=1e-6)
    assert np.mean([row["predicted"] for row in rows] == labels) > 0.9


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (np.zeros((2, 3)), r"shape \(n, 512\), not \(2, 3\)"),
        (np.zeros(512), r"shape \(n, 512\), not \(512,\)"),
        (np.zeros((0, 512)), r"shape \(n, 512\), not \(0, 512\)"),
        (np.full((1, 512), np.nan), "no finite numbers"),
        ([["a"] * 512], "no array of numbers"),
    ],
)
def test_features_that_cannot_be_predicted(logistic, features, said):
    with pytest.raises(UsageError, match=said):
        ff.predict(logistic, features=features)


def test_a_list_of_images_is_predicted_in_its_order(dataset, table, logistic, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    paths = [dataset / f"test/{name}/{name}00{i}.png" for i in (3, 1) for name in ("light", "dark")]
    given = [paths[0], str(paths[1]), broken, tmp_path / "gone.png", *paths[2:]]
    report = ff.predict(logistic, input=given, weights="random:1")
    rows = {row["image_id"]: row for row in report.rows.to_pylist()}
    assert (report.predicted, report.failed) == (4, 2)
    assert rows.keys() == {str(path) for path in given}
    stored = {row["image_id"]: row for row in ff.predict(logistic, table=table).rows.to_pylist()}
    for path in paths:
        name = str(path.relative_to(dataset))
        assert rows[str(path)]["predicted"] == stored[name]["predicted"]
        assert rows[str(path)]["score_light"] == pytest.approx(
            stored[name]["score_light"], rel=1e-3
        )
    assert rows[str(broken)]["error"]
    assert rows[str(tmp_path / "gone.png")]["error"]


def test_one_image_is_as_good_as_many(logistic, tmp_path):
    image = write_image(tmp_path / "one.png", seed=3)
    assert ff.predict(logistic, input=[image], weights="random:1").predicted == 1


@pytest.mark.parametrize(
    "error",
    [
        pa.ArrowInvalid("http://user:word@store/b?sig=word was no Parquet"),
        OSError(5, "no answer from http://user:word@store/b", "http://user:word@store/b"),
        OSError("When listing http://user:word@store/b?X-Amz-Signature=word"),
    ],
)
def test_errors_of_libraries_say_nothing_secret(monkeypatch, error):
    def fail(*_):
        try:
            raise ValueError("http://user:word@store/cause")
        except ValueError as cause:
            raise error from cause

    monkeypatch.setattr("pipelines.table.description.describe_table", fail)
    with pytest.raises(type(error)) as raised:
        ff.describe("t")
    shown = "".join(traceback.format_exception_only(raised.value)) + repr(raised.value)
    assert "word" not in shown + repr(raised.value.__cause__)
    assert "store/b" in shown
    assert raised.value is error
