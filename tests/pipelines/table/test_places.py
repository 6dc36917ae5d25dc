"""Where a table may lie: refused before any work where Delta takes the path for another."""

import pytest

from classifiers import train
from pipelines import describe, extract, tidy
from pipelines.errors import UsageError
from pipelines.table.storage import table_uri
from tests.pipelines.table.trees import copy, rows, write_table

BAD = ["my%20table", "a\\b", "new\nline", "tab\tx", "a%2Fb", "%41", "del\x7f", "\x01", "caf\udce9"]


@pytest.mark.parametrize("name", BAD)
def test_a_path_that_delta_takes_for_another_is_refused_at_the_door(tmp_path, capsys, name):
    (tmp_path / "images").mkdir()
    table = ["--table", str(tmp_path / name)]
    commands = [
        lambda: extract.main([*table, "--input", str(tmp_path / "images")]),
        lambda: describe.main(table),
        lambda: tidy.main(table),
        lambda: train.main([*table, "--head", "logistic", "--model", str(tmp_path / "model")]),
    ]
    for command in commands:
        assert command() == 2
        said = capsys.readouterr().err
        assert "cannot be a table's folder" in said
        assert said.count("\n") == 1
    assert not (tmp_path / name).exists()


def test_another_table_is_not_taken_for_it(small, tmp_path, capsys):
    copy(small, tmp_path / "my table")
    (tmp_path / "my%20table").mkdir()
    assert describe.main(["--table", str(tmp_path / "my%20table")]) == 2
    assert describe.main(["--table", str(tmp_path / "my table")]) == 0
    capsys.readouterr()


def test_folders_above_and_links_count_too(small, tmp_path, monkeypatch):
    odd = tmp_path / "100%25"
    odd.mkdir()
    copy(small, odd / "table")
    (tmp_path / "link").symlink_to(odd / "table")
    monkeypatch.chdir(odd)
    for location in (odd / "table", tmp_path / "link", "table"):
        with pytest.raises(UsageError, match=r"holds '%25'"):
            table_uri(str(location))


@pytest.mark.parametrize(
    "name",
    ["a b", "100%", "50% off", "a#b", "a?b", "ü", "a[1]", "a:b", "s3:x", "~x", "a'b", "a*"],
)
def test_other_names_work(tmp_path, written, name):
    write_table(tmp_path / name, written / "images")
    assert len(rows(tmp_path / name)) == 6
    assert tidy.main(["--table", str(tmp_path / name), "--retention_days", "0"]) == 0
    assert len(rows(tmp_path / name)) == 6


@pytest.mark.parametrize("location", ["a\0b", "~nobody-of-that-name/table"])
def test_a_location_that_is_no_path(location):
    with pytest.raises(UsageError, match=r"cannot"):
        table_uri(location)
