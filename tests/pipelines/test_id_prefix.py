"""Folders with the same names in them, put into one table: told apart by a prefix of their ids."""

import pytest

import frozen_features as ff
from pipelines.errors import UsageError
from pipelines.extract import main
from pipelines.table.feature_table import FeatureTable
from pipelines.verify import main as verify
from tests.conftest import base_forbidden, write_image
from tests.pipelines.test_increments import CHEAP, content

WARNING = "images that replace others come from another place"


@pytest.fixture
def days(tmp_path):
    for day in (1, 2):
        for number in range(3):
            write_image(tmp_path / f"day{day}/cat/{number}.png", 10 * day + number)
    return tmp_path


def ids(table):
    return sorted(FeatureTable.open(str(table)).keys()["image_id"].to_pylist())


def extract(days, day, *options):
    where = ["--input", str(days / f"day{day}"), "--table", str(days / "features")]
    assert main([*where, *CHEAP, "--engine", "keras", *options]) == 0


def test_with_a_prefix_a_folder_adds_to_a_table_and_replaces_nothing(days, capsys, monkeypatch):
    for day in (1, 2):
        extract(days, day, "--id_prefix", f"day{day}/")
    wanted = [f"day{day}/cat/{number}.png" for day in (1, 2) for number in range(3)]
    assert ids(days / "features") == wanted
    assert WARNING not in capsys.readouterr().err
    before = content(days / "features")
    with base_forbidden(monkeypatch):
        extract(days, 2, "--id_prefix", "day2/")
    assert content(days / "features").equals(before)
    splits = before["split"].to_pylist()
    assert splits[:3] == splits[3:]  # by the name below the root, as without a prefix


def test_without_a_prefix_it_is_told_that_and_what_helps(days, capsys):
    extract(days, 1)
    extract(days, 2)
    assert ids(days / "features") == [f"cat/{number}.png" for number in range(3)]
    said = capsys.readouterr().err
    assert f"3 of 3 {WARNING}" in said
    assert "--id_prefix tells the images of two folders apart" in said


def test_few_of_another_place_are_not_worth_a_warning(days, capsys):
    extract(days, 1)
    (days / "list.csv").write_text(
        "path,id,label\nday2/cat/0.png,cat/0.png,cat\n"
        + "".join(f"day1/cat/{n}.png,cat/{n}.png,cat\n" for n in (1, 2))
    )
    for number in (1, 2):
        write_image(days / f"day1/cat/{number}.png", 50 + number)
    table = str(days / "features")
    where = ["--input", str(days / "list.csv"), "--table", table, *CHEAP, "--engine", "keras"]
    assert main(where) == 0
    assert WARNING not in capsys.readouterr().err


def test_verify_and_python_take_the_prefix_too(days, capsys):
    table = days / "features"
    options = {"weights": "random:1", "image_size": 32, "engine": "keras"}
    ff.extract(days / "day1", table, id_prefix="one/", **options)
    where = ["--table", str(table), "--input", str(days / "day1"), "--sample", "0"]
    assert verify([*where, "--id_prefix", "one/"]) == 0
    assert verify(where) == 1
    assert "is a row and not in the input" in capsys.readouterr().out


@pytest.mark.parametrize("prefix", ["a\0b", "\udcff"])
def test_a_prefix_that_no_id_can_have(days, prefix):
    with pytest.raises(UsageError, match="--id_prefix"):
        ff.extract(days / "day1", days / "features", id_prefix=prefix)
    assert not (days / "features").exists()


def test_an_older_table_is_found_again_without_a_prefix(days, monkeypatch):
    extract(days, 1)
    with base_forbidden(monkeypatch):
        extract(days, 1, "--id_prefix", "")
    assert len(ids(days / "features")) == 3
