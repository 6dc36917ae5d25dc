"""No command writes over what it reads, nor into a table or a model."""

import shutil

import pytest

from classifiers import evaluate, predict, train
from pipelines import describe, extract, forget
from pipelines.errors import UsageError
from pipelines.outputs import refuse_inputs_as_outputs, require_outside
from tests.conftest import copy_table


@pytest.fixture
def place(tmp_path, table, logistic):
    """A table, a model and a manifest that must stay what they are."""
    copy_table(table, tmp_path / "t")
    shutil.copytree(logistic, tmp_path / "m")
    (tmp_path / "in.parquet").write_bytes(b"a manifest")
    (tmp_path / "ids.txt").write_text("train/dark/dark000.png\n")
    (tmp_path / "link.parquet").symlink_to("in.parquet")
    return tmp_path


TABLE, MODEL = ["--table", "{}/t"], ["--model", "{}/m"]


def held(place):
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        (
            predict,
            [*MODEL, "--input", "{}/in.parquet", "--output", "{}/in.parquet"],
            "--output {}/in.parquet is what --input names; it would be written over",
        ),
        (
            predict,
            [*MODEL, "--input", "{}/in.parquet", "--output", "{}/link.parquet"],
            "--output {}/link.parquet is what --input names",
        ),
        (
            predict,
            [
                *[*MODEL, "--input", "{}/in.parquet", "--output", "{}/o.parquet"],
                *["--json", "{}/in.parquet"],
            ],
            "--json {}/in.parquet is what --input names",
        ),
        (predict, [*MODEL, *TABLE, "--output", "{}/t/p.parquet"], "lies in a table, {}/t; name"),
        (predict, [*MODEL, *TABLE, "--output", "{}/m/p.parquet"], "lies in a model, {}/m; name"),
        (predict, [*MODEL, *TABLE, "--output", "{}/in.parquet"], "exists; name another file, or"),
        (evaluate, [*MODEL, *TABLE, "--json", "{}/m/card.json"], "--json {}/m/card.json lies in a"),
        (describe, [*TABLE, "--json", "{}/t/_delta_log/0.json"], "lies in a table"),
        (forget, [*TABLE, "--ids", "{}/ids.txt", "--json", "{}/ids.txt"], "is what --ids names"),
        (
            train,
            ["--head", "logistic", *TABLE, "--model", "{}/t/model"],
            "--model {}/t/model lies in a table",
        ),
        (
            extract,
            ["--input", "{}/images", "--weights", "random", "--table", "{}/t/data/other"],
            "--table {}/t/data/other lies in a table",
        ),
    ],
)
def test_what_must_not_be_written_to(place, dataset, capsys, command, options, message):
    (place / "images").symlink_to(dataset)
    before = held(place)
    assert command.main([each.format(place) for each in options]) == 2
    assert message.format(place) in capsys.readouterr().err
    assert held(place) == before


def test_predictions_are_replaced_where_that_is_asked_for(place, capsys):
    output = place / "p.parquet"
    command = [each.format(place) for each in (*MODEL, *TABLE)] + ["--output", str(output)]
    assert predict.main(command) == 0
    first = output.read_bytes()
    assert predict.main(command) == 2
    assert output.read_bytes() == first
    assert predict.main([*command, "--overwrite", "--split", "test"]) == 0
    assert output.read_bytes() != first


def test_values_that_are_no_places_are_passed_over():
    refuse_inputs_as_outputs({"json": "a.json", "input": "b", "seed": 3, "class_weight": "a\0b"})


def test_a_link_into_a_table_is_inside_it(place):
    (place / "harmless").symlink_to(place / "t" / "data")
    with pytest.raises(UsageError, match="lies in a table"):
        require_outside(place / "harmless" / "x.json", "--json")
    require_outside(place / "elsewhere" / "x.json", "--json")
