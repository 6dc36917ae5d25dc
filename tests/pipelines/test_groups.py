"""Groups from a manifest to the table: kept, split by, reported where they leak."""

import json
from dataclasses import replace

import numpy as np
import pytest
from deltalake import DeltaTable, Field
from deltalake.schema import PrimitiveType

from pipelines.driver import extract
from pipelines.errors import CommitRefusedError, TableError
from pipelines.extract import main
from pipelines.images.layout import STRATIFIED, Layout
from pipelines.table.compaction import merge_small_files
from pipelines.table.feature_table import FeatureTable
from pipelines.verify import main as verify
from tests.conftest import base_forbidden, write_image
from tests.pipelines.test_increments import CHEAP

PLAIN = "path,label\na.png,cat\nb.png,cat\nc.png,dog\n"
GROUPED = "path,label,group,split\na.png,cat,p1,train\nb.png,cat,p1,train\nc.png,dog,,test\n"


@pytest.fixture
def images(tmp_path):
    for place, name in enumerate("abcd"):
        write_image(tmp_path / f"images/{name}.png", seed=place)
    return tmp_path / "images"


@pytest.fixture
def run(images, make_job, tmp_path):
    def go(text, **changes):
        (images / "m.csv").write_text(text)
        job = make_job(images / "m.csv", tmp_path / "features")
        return extract(replace(job, **changes))

    return go


def held(tmp_path):
    table = FeatureTable.open(str(tmp_path / "features"))
    rows = table.dataset().to_table()
    groups = rows["group"].to_pylist() if ("group" in table.optional) else [None] * rows.num_rows
    features = [np.asarray(each, np.float32) for each in rows["features"].to_pylist()]
    return {
        (name, copy): (group, split, feature)
        for name, copy, group, split, feature in zip(
            *(rows[name].to_pylist() for name in ("image_id", "copy")),
            *(groups, rows["split"].to_pylist(), features),
            strict=True,
        )
    }


def groups_of(tmp_path):
    return {name: group for (name, _), (group, _, _) in held(tmp_path).items()}


def test_a_table_without_groups_has_no_column_of_them(run, tmp_path):
    run(PLAIN)
    assert not FeatureTable.open(str(tmp_path / "features")).optional
    assert "group" not in DeltaTable(str(tmp_path / "features")).schema().to_json()


def test_groups_are_kept_and_read_by_others(run, tmp_path):
    report = run(GROUPED, copies=1)
    assert report.version == 1
    wanted = {"a.png": "p1", "b.png": "p1", "c.png": None}
    assert groups_of(tmp_path) == wanted
    rows = DeltaTable(str(tmp_path / "features")).to_pandas()
    found = zip(rows["image_id"], rows["copy"], rows["group"], strict=True)
    assert sorted((name, copy, str(group)) for name, copy, group in found) == [
        ("a.png", 0, "p1"),
        ("a.png", 1, "p1"),
        ("b.png", 0, "p1"),
        ("b.png", 1, "p1"),
        ("c.png", 0, "nan"),
    ]


def test_an_older_table_gets_groups_without_the_base(run, tmp_path, monkeypatch):
    run(PLAIN)
    before = held(tmp_path)
    with base_forbidden(monkeypatch):
        report = run(GROUPED)
    assert (report.counts["written"], report.version) == (0, 3)
    after = held(tmp_path)
    assert groups_of(tmp_path) == {"a.png": "p1", "b.png": "p1", "c.png": None}
    assert all(np.array_equal(after[key][2], before[key][2]) for key in before)
    old = FeatureTable.open(str(tmp_path / "features"), 1)
    assert old.dataset().to_table().num_rows == 3
    with base_forbidden(monkeypatch):
        assert run(GROUPED).version == 3


def test_files_of_before_and_after_live_together(run, images, tmp_path, capsys):
    run("path,label,split\na.png,cat,train\n")
    run("path,label,split,group\na.png,cat,train,\nb.png,cat,train,p2\n")
    assert groups_of(tmp_path) == {"a.png": None, "b.png": "p2"}
    table = FeatureTable.open(str(tmp_path / "features"))
    assert merge_small_files(table) == (2, 1)
    assert groups_of(tmp_path) == {"a.png": None, "b.png": "p2"}
    where = ["--table", str(tmp_path / "features"), "--input", str(images / "m.csv")]
    assert verify([*where, "--sample", "0"]) == 0
    (images / "m.csv").write_text("path,label,split,group\na.png,cat,train,\nb.png,cat,train,p9\n")
    assert verify([*where, "--sample", "0"]) == 1
    assert "has group 'p9' in the input and 'p2' in its row" in capsys.readouterr().out


def test_a_group_that_is_gone_from_the_input_is_gone_from_the_table(run, tmp_path, monkeypatch):
    run(GROUPED)
    with base_forbidden(monkeypatch):
        report = run(GROUPED.replace("p1", "").replace("c.png,dog,", "c.png,dog,p3"))
    assert report.counts["relabelled"] == 3
    assert groups_of(tmp_path) == {"a.png": None, "b.png": None, "c.png": "p3"}


def test_finished_work_without_groups_is_taken_over_with_them(run, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(
            "pipelines.commits.settlement.Settlement.settle", lambda *_: pytest.fail("killed")
        )
        with pytest.raises(pytest.fail.Exception):
            run(PLAIN)
    with base_forbidden(monkeypatch):
        assert run(GROUPED).counts["written"] == 3
    assert groups_of(tmp_path) == {"a.png": "p1", "b.png": "p1", "c.png": None}


LEAKING = (
    "path,label,group,split\na.png,cat,p1,train\nb.png,cat,p1,test\nc.png,cat,p2,test\nd.png,,p1,\n"
)


def test_a_group_in_two_splits_is_reported_like_equal_bytes(run, images, tmp_path, capsys):
    report = run(LEAKING)
    assert report.leakage.groups_across_splits == {"p1": ("b.png", "a.png")}
    assert report.leakage.across_splits == ()
    out = tmp_path / "out.json"
    where = ["--input", str(images / "m.csv"), "--table", str(tmp_path / "features"), *CHEAP]
    assert main([*where, "--json", str(out)]) == 0
    line = "leakage: one group in different splits: 'p1', with b.png, a.png"
    assert line in capsys.readouterr().out
    assert json.loads(out.read_text())["leakage"]["groups_across_splits"] == {
        "p1": ["b.png", "a.png"]
    }
    with pytest.raises(CommitRefusedError, match=r"'p1'.*put each group into one split"):
        run(LEAKING.replace("c.png,cat,p2", "c.png,dog,p2"), refuse_leakage=True)


def test_a_stratified_table_keeps_its_splits_when_images_are_added(run, tmp_path, images, capsys):
    layout = Layout(split_by=STRATIFIED)
    rows = [f"{name}.png,cat" for name in "abc"]
    run("\n".join(["path,label", *rows]), layout=layout)
    first = {name: split for (name, _), (_, split, _) in held(tmp_path).items()}
    assert sorted(first.values()) == ["test", "train", "validation"]
    for number in range(20):
        write_image(images / f"0{number}.png", seed=100 + number)
        rows.append(f"0{number}.png,cat")
    report = run("\n".join(["path,label", *rows]), layout=layout)
    assert (report.counts["written"], report.counts.get("relabelled", 0)) == (20, 0)
    then = {name: split for (name, _), (_, split, _) in held(tmp_path).items()}
    assert {name: then[name] for name in first} == first
    where = ["--table", str(tmp_path / "features"), "--input", str(images / "m.csv")]
    assert verify([*where, "--sample", "0", "--split_by", "stratified"]) == 0
    capsys.readouterr()


def test_a_column_of_that_name_that_somebody_else_added_is_not_touched(run, tmp_path):
    run(PLAIN)
    where = str(tmp_path / "features")
    column = Field("group", PrimitiveType("string"), nullable=True)
    DeltaTable(where).alter.add_columns([column])
    version = DeltaTable(where).version()
    with pytest.raises(TableError, match="a column group that is not of this project"):
        run(GROUPED)
    run(PLAIN.replace("c.png,dog", "c.png,cat"))
    assert not FeatureTable.open(where).optional
    assert DeltaTable(where).version() == version + 1
    assert DeltaTable(where).to_pyarrow_dataset().to_table()["group"].null_count == 3
