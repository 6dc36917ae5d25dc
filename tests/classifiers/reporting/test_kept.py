"""A page that is kept in the table's folder, and what the other commands make of it."""

import json

import pytest

import frozen_features as ff
from classifiers import report
from pipelines import describe
from pipelines.table import page_files
from tests.classifiers.reporting.pages import Parsed
from tests.classifiers.reporting.tables import two_classes


@pytest.fixture
def table(tmp_path):
    two_classes(tmp_path)
    return tmp_path / "features"


def files(table):
    return sorted(path.name for path in (table / "_reports").iterdir())


def test_without_an_output_the_page_is_in_the_table_s_folder_and_describe_names_it(
    table, tmp_path, capsys
):
    given = ["--table", str(table), "--images", "2"]
    assert report.main([*given, "--json", str(tmp_path / "page.json")]) == 0
    page = table / "_reports" / "report-1.html"
    assert json.loads((tmp_path / "page.json").read_text())["output"] == str(page)
    assert capsys.readouterr().out.startswith(f"{page}: {page.stat().st_size:,} bytes, 48 images")
    assert Parsed(page).data["total"] == 48

    assert describe.main(["--table", str(table), "--json", str(tmp_path / "d.json")]) == 0
    assert f"\npage of version 1: {page}\n" in capsys.readouterr().out
    said = json.loads((tmp_path / "d.json").read_text())["page"]
    assert said == {"version": 1, "location": str(page)}

    # Another page of the same version takes its place.
    assert report.main([*given[:3], "3"]) == 0
    assert files(table) == ["report-1.html"]
    assert sum(x is not None for x in Parsed(page).data["x"]) == 3


def test_the_newest_version_s_page_is_the_newest(table):
    assert ff.describe(table).page is None
    for version in (9, 10, 2):
        page_files.keep_page(str(table), version, b"%d" % version)
    (table / "_reports" / "report-99.html").symlink_to(table / "_reports" / "report-9.html")
    (table / "_reports" / "report-99.html.bak").touch()
    assert ff.describe(table).page == page_files.KeptPage(10, f"{table}/_reports/report-10.html")
    assert (table / "_reports" / "report-10.html").read_bytes() == b"10"


def test_tidying_leaves_pages_alone_and_forgetting_deletes_them(table):
    page_files.keep_page(str(table), 1, b"shows all")
    (table / "_reports" / "notes.txt").write_text("somebody's own")
    ff.tidy(table, retention_days=0)
    assert files(table) == ["notes.txt", "report-1.html"]
    assert ff.forget(table, ["test/cats/0.png"]).images == 1
    assert files(table) == ["notes.txt"]
    assert ff.describe(table).page is None


def test_a_folder_of_pages_that_leads_elsewhere_is_not_followed(table, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (table / "_reports").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ff.FrozenFeaturesError, match="_reports is a link that leads out of"):
        ff.report(table, images=2)
    assert list((tmp_path / "elsewhere").iterdir()) == []
