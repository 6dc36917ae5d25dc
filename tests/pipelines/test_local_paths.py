"""Options that take no URL, or only a store's, refuse one, instead of writing a folder `s3:`."""

from pathlib import Path

import pytest

import frozen_features as ff
from classifiers import evaluate, predict, train
from pipelines import describe, doctor, extract, forget, plan, tidy, verify
from pipelines.errors import UsageError
from pipelines.images.listing import list_images
from pipelines.table.storage import table_uri

TABLE = ["--table", "t"]
TRAINING = [*TABLE, "--head", "logistic"]
MODEL = ["--model", "m"]
REFUSED = ("is a URL", "cannot use", "a local path is named without")
EXTRACTION = [*TABLE, "--input", "i"]
IN_STORES = [
    (train, TRAINING, "--model"),
    (evaluate, TABLE, "--model"),
    (predict, [*TABLE, "--output", "o.parquet"], "--model"),
    (predict, [*TABLE, *MODEL], "--output"),
]
LOCAL = [
    (train, [*TRAINING, *MODEL], "--json"),
    (evaluate, [*TABLE, *MODEL], "--json"),
    (predict, [*TABLE, *MODEL, "--output", "o.parquet"], "--json"),
    *((extract, EXTRACTION, "--json"), (extract, EXTRACTION, "--weights")),
    *((plan, ["--input", "i"], "--json"), (plan, ["--input", "i"], "--weights")),
    *((verify, TABLE, "--json"), (verify, TABLE, "--weights")),
    *((forget, TABLE, "--ids"), (forget, [*TABLE, "--image_id", "a"], "--json")),
    *((tidy, TABLE, "--json"), (describe, TABLE, "--json"), (doctor, [], "--json")),
]
PLACES = [*IN_STORES, *LOCAL]
TRIED = [
    *((place, *each) for each in LOCAL for place in ("s3://bucket/x.parquet", "s3:/bucket/x", "")),
    *((place, *each) for each in IN_STORES for place in ("http://host/x", "s3:/bucket/x", "")),
]


@pytest.mark.parametrize(
    ("place", "command", "usual", "option"),
    TRIED,
    ids=lambda each: str(getattr(each, "__name__", each)),
)
def test_no_url_is_taken_for_a_local_path(
    place, command, usual, option, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "i").mkdir()
    (tmp_path / "i/a.png").touch()
    before = sorted(tmp_path.rglob("*"))
    assert command.main([*usual, option, place]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert option in line
    assert any(said in line for said in (REFUSED if place else ("is no path",)))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("place", ["http://host/m", Path("s3://bucket/m"), "gs:/b", "", "a\0b"])
def test_functions_refuse_them_as_commands_do(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = [
        lambda: ff.train("t", model=place, head="logistic"),
        lambda: ff.evaluate(place, table="t"),
        lambda: ff.predict(place, table="t"),
        lambda: ff.predict("m", table="t", output=place),
        lambda: ff.load_model(place),
    ]
    for call in calls:
        with pytest.raises(UsageError, match=r"is a URL|is no path|cannot use"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_what_a_path_leaves_of_a_url_is_no_table_and_no_input():
    for refuse in (table_uri, list_images):
        with pytest.raises(UsageError, match="cannot use s3:/bucket/x: stores are"):
            refuse(str(Path("s3://bucket/x")))


def test_a_home_that_nobody_has_is_no_traceback(capsys):
    assert describe.main(["--table", "~nobody-of-that-name/features"]) == 2
    assert "Name the folder in full" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["circle", "circle/m"])
@pytest.mark.parametrize(
    ("command", "usual", "option"), PLACES, ids=lambda each: str(getattr(each, "__name__", each))
)
def test_links_in_a_circle_are_no_traceback(
    command, usual, option, place, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "i").mkdir()
    (tmp_path / "i/a.png").touch()
    assert command.main([*usual, option, place]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert option in line
    assert "links in a circle" in line
    assert str((tmp_path / "circle").readlink()) == "circle"


def test_colons_alone_make_no_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a:b", "2026-11-27T03:00", "./s3:", f"{tmp_path}/s3:x"):
        with pytest.raises(Exception, match="no model in"):
            ff.load_model(name)
