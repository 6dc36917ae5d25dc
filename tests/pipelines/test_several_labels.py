"""Several labels an image, from every kind of input to a column of the table."""

import json
import tarfile
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given
from hypothesis import strategies as st

import classifiers
import frozen_features as ff
from classifiers.data.label_sets import read_label_sets
from classifiers.data.row_groups import find_rows
from classifiers.train import main as train
from pipelines.describe import main as describe
from pipelines.driver import extract
from pipelines.errors import InputError, TableError
from pipelines.extract import main
from pipelines.images.layout import STRATIFIED, Layout
from pipelines.images.listing import list_images
from pipelines.images.text_values import label_texts
from pipelines.records import as_label, labels_of
from pipelines.table.compaction import merge_small_files
from pipelines.table.feature_table import FeatureTable
from pipelines.verify import main as verify
from tests.columns import write
from tests.conftest import base_forbidden, write_image
from tests.pipelines.test_increments import CHEAP

SAID = {"a.png": ("cat", "indoors"), "b.png": (), "c.png": ("dog",), "d.png": None}
LISTS = [None if labels is None else list(labels) for labels in SAID.values()]


@pytest.fixture
def images(tmp_path):
    for place, name in enumerate(SAID):
        write_image(tmp_path / "images" / name, seed=place)
    return tmp_path / "images"


@pytest.fixture
def run(images, make_job, tmp_path):
    def go(rows, **changes):
        (images / "m.jsonl").write_text("\n".join(map(json.dumps, rows)))
        job = make_job(images / "m.jsonl", tmp_path / "features")
        return extract(replace(job, **changes))

    return go


def rows_of(labels, **more):
    return [{"path": name, "label": said, **more} for name, said in labels.items()]


def held(tmp_path):
    """What Delta's own reader finds: by id and copy, the label, the labels and the split."""
    table = DeltaTable(str(tmp_path / "features")).to_pyarrow_table()
    lists = table["labels"] if "labels" in table.column_names else pa.nulls(table.num_rows)
    values = (table[name].to_pylist() for name in ("image_id", "copy", "label", "split"))
    return {
        (name, copy): (label, several, split)
        for name, copy, label, split, several in zip(*values, lists.to_pylist(), strict=True)
    }


def labels_held(tmp_path):
    return {
        name: None if several is None else tuple(several)
        for (name, copy), (_, several, _) in held(tmp_path).items()
        if copy == 0
    }


def found(location, **layout):
    refs = list_images(str(location), None, Layout(**layout))
    return {ref.image_id: labels_of(ref.label) for ref in refs}


@given(st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1)))
def test_labels_are_one_string_inside_a_run(labels):
    assert labels_of(as_label(labels)) == tuple(labels)
    assert labels_of("".join(labels) or None) is None


@given(st.lists(st.none() | st.lists(st.none() | st.sampled_from(["a", " a", "b", "", "nan"]))))
def test_lists_of_a_column_are_those_of_a_plain_loop(lists):
    def plain(labels):
        texts = [(label or "").strip() for label in labels]
        return as_label([t for place, t in enumerate(texts) if t and t not in texts[:place]])

    wanted = [None if labels is None else plain(labels) for labels in lists]
    column = pa.array(lists, pa.list_(pa.string()))
    assert label_texts(column) == wanted
    assert label_texts(pa.chunked_array([column[:1], column[1:]])) == wanted
    assert label_texts(column.cast(pa.large_list(pa.string()))) == wanted
    assert label_texts(pa.concat_arrays([column, column]).slice(len(lists))) == wanted


def test_the_same_labels_in_every_form(images, tmp_path):
    rows = rows_of(SAID)
    names, paths = list(SAID), [str(images / name) for name in SAID]
    texts = ["cat|indoors", " | ", "dog", ""]
    (images / "m.json").write_text(json.dumps(rows))
    (images / "m.csv").write_text(
        "path,label\n"
        + "\n".join(f"{name},{text}" for name, text in zip(names, texts, strict=True))
    )
    pq.write_table(pa.table({"path": names, "label": LISTS}), images / "m.parquet")
    write_deltalake(str(tmp_path / "paths"), pa.table({"path": paths, "id": names, "label": LISTS}))
    content = [(images / name).read_bytes() for name in names]
    column = {"image": content, "id": names, "label": LISTS}
    write(pa.table(column), tmp_path / "x.parquet")
    write(pa.table(column), tmp_path / "x.arrow")
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name, labels in zip(names, LISTS, strict=True):
            said = tmp_path / f"{name[0]}.json"
            said.write_text(json.dumps({"tags": labels}))
            archive.add(images / name, name)
            archive.add(said, said.name)
    assert found(images / "m.json") == SAID
    assert found(images / "m.csv", label_separator="|") == SAID
    assert found(images / "m.parquet") == SAID
    root = list_images(str(tmp_path / "paths"), str(images))
    assert {ref.image_id: labels_of(ref.label) for ref in root} == SAID
    assert found(tmp_path / "x.parquet") == SAID
    assert found(tmp_path / "x.arrow") == SAID
    assert found(tmp_path / "x.tar", columns={"label": "json.tags"}) == SAID
    # A text is one label unless it is said to be several.
    assert set(found(images / "m.csv").values()) == {None}


def test_lists_of_hugging_face_s_classes(tmp_path):
    feature = {"feature": {"names": ["cat", "dog"], "_type": "ClassLabel"}, "_type": "List"}
    said = json.dumps({"info": {"features": {"label": feature}}})
    table = pa.table(
        {
            "image": [b"x", b"x", b"x"],
            "id": ["a", "b", "c"],
            "label": pa.array([[1, 0], [], None], pa.list_(pa.int64())),
        }
    ).replace_schema_metadata({"huggingface": said})
    write(table, tmp_path / "x.parquet")
    assert found(tmp_path / "x.parquet") == {"a": ("dog", "cat"), "b": (), "c": None}


def test_one_label_beside_lists_is_a_list_of_one(images):
    (images / "m.jsonl").write_text(
        '{"path": "a.png", "label": ["cat", "cat", 2]}\n{"path": "b.png", "label": "dog"}\n'
    )
    assert found(images / "m.jsonl") == {"a.png": ("cat", "2"), "b.png": ("dog",)}


def test_lists_where_none_can_be_are_refused(images, capsys):
    (images / "m.jsonl").write_text('{"path": "a.png", "label": "x", "split": ["train"]}\n')
    with pytest.raises(InputError, match="line 1 has a 'split' that is no text"):
        found(images / "m.jsonl")
    (images / "m.jsonl").write_text('{"path": "a.png", "label": [["x"]]}\n')
    with pytest.raises(InputError, match="line 1 has a 'label' that is no text"):
        found(images / "m.jsonl")
    pq.write_table(pa.table({"path": [["a.png"]]}), images / "m.parquet")
    with pytest.raises(InputError, match="column 'path' of the manifest is no text"):
        found(images / "m.parquet")
    options = ["--input", str(images), "--table", str(images / "t"), "--label_separator", ""]
    assert main(options) == 2
    assert "'' divides nothing; '|' is one that does" in capsys.readouterr().err


def test_long_labels_said_a_million_times_are_refused(images, monkeypatch):
    monkeypatch.setattr("pipelines.images.manifest_files.MAX_BYTES", 1_000_000)
    several = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000), ["x" * 1000])
    offsets = pa.array([0, 50_000])
    column = pa.ListArray.from_arrays(offsets, several.cast(pa.string()))
    pq.write_table(pa.table({"path": ["a.png"], "label": column}), images / "m.parquet")
    assert (images / "m.parquet").stat().st_size < 10_000
    with pytest.raises(InputError, match="unpacked it takes more than the 1,000,000 bytes"):
        found(images / "m.parquet")


def test_they_are_kept_and_read_by_others(run, tmp_path, capsys):
    report = run(rows_of(SAID, split="train"), copies=1)
    assert report.version == 1
    assert labels_held(tmp_path) == SAID
    assert all(label is None for label, _, _ in held(tmp_path).values())
    copied = held(tmp_path)["a.png", 1]
    assert copied[1] == ["cat", "indoors"]
    run(rows_of(SAID, split="train"), copies=1)
    assert FeatureTable.open(str(tmp_path / "features")).version == 1
    assert verify(["--table", str(tmp_path / "features"), "--sample", "0"]) == 0
    assert describe(["--table", str(tmp_path / "features"), "--json", str(tmp_path / "d")]) == 0
    counts = json.loads((tmp_path / "d").read_text())["label_counts"]
    assert counts == [
        {"split": "train", "label": label, "images": 1} for label in ("cat", "dog", "indoors")
    ]
    assert "train   indoors" in capsys.readouterr().out.replace("  indoors", "   indoors")


def test_other_labels_are_written_without_the_base(run, tmp_path, monkeypatch):
    run(rows_of(SAID))
    before = dict(features(tmp_path))
    changed = {**SAID, "a.png": ("indoors", "cat"), "b.png": ("new",), "c.png": "dog"}
    with base_forbidden(monkeypatch):
        report = run([{"path": n, "label": said} for n, said in changed.items()])
    assert report.extract_seconds == 0
    wanted = {**changed, "c.png": ("dog",)}
    assert labels_held(tmp_path) == wanted
    after = features(tmp_path)
    assert all(np.array_equal(after[name], before[name]) for name in before)
    with base_forbidden(monkeypatch):
        run(rows_of({"a.png": "cat", "b.png": None, "c.png": "dog", "d.png": None}))
    rows = {name: (label, several) for (name, _), (label, several, _) in held(tmp_path).items()}
    assert rows["a.png"] == ("cat", None)
    assert rows["b.png"] == (None, None)


def features(tmp_path):
    rows = DeltaTable(str(tmp_path / "features")).to_pyarrow_table()
    values = (np.asarray(each, np.float32) for each in rows["features"].to_pylist())
    return dict(zip(rows["image_id"].to_pylist(), values, strict=True))


def test_a_table_of_one_label_learns_the_column_without_the_base(run, tmp_path, monkeypatch):
    run(rows_of(dict.fromkeys(SAID, "cat")))
    where = str(tmp_path / "features")
    assert not FeatureTable.open(where).optional
    with base_forbidden(monkeypatch):
        report = run(rows_of(SAID))
    assert report.version == 3  # one for the column
    assert labels_held(tmp_path) == SAID
    old = FeatureTable.open(where, 1)
    assert set(old.dataset().to_table()["label"].to_pylist()) == {"cat"}
    merge_small_files(FeatureTable.open(where))
    assert labels_held(tmp_path) == SAID


def test_groups_and_labels_live_together(run, tmp_path, monkeypatch):
    run(rows_of(SAID, group="g"))
    rows = DeltaTable(str(tmp_path / "features")).to_pyarrow_table()
    assert set(rows["group"].to_pylist()) == {"g"}
    assert labels_held(tmp_path) == SAID
    with base_forbidden(monkeypatch):
        run(rows_of({**SAID, "a.png": ("x",)}))
    assert labels_held(tmp_path) == {**SAID, "a.png": ("x",)}


def test_a_column_of_that_name_that_somebody_else_added_is_not_touched(run, tmp_path):
    run(rows_of(dict.fromkeys(SAID, "cat")))
    table = DeltaTable(str(tmp_path / "features"))
    added = pa.table({"labels": pa.array([], pa.string())}).schema
    from deltalake import Field

    table.alter.add_columns([Field.from_arrow(added.field(0))])
    with pytest.raises(TableError, match="column labels that is not of this project"):
        run(rows_of(SAID))


def test_a_class_is_in_each_split_though_images_have_several(images, tmp_path):
    rows = [
        {"path": f"{n}.png", "label": ["cat" if n % 2 else "dog", "rare" if n < 3 else "often"]}
        for n in range(30)
    ]
    (tmp_path / "m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for n in range(30):
        (tmp_path / f"{n}.png").write_bytes(b"x")
    refs = list_images(str(tmp_path / "m.jsonl"), None, Layout(split_by=STRATIFIED))
    for label in ("cat", "dog", "rare", "often"):
        splits = {ref.split for ref in refs if label in (labels_of(ref.label) or ())}
        assert splits == {"train", "validation", "test"}, label


def test_a_head_of_one_class_says_that_there_are_several(run, images, tmp_path, capsys):
    run(rows_of(SAID, split="train"))
    table = str(tmp_path / "features")
    samples = classifiers.load(table, split="train")
    assert list(samples.labels) == [None] * 4
    options = ["--table", table, "--model", str(tmp_path / "m"), "--validation_split", "none"]
    assert train([*options, "--head", "knn"]) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert "the images have several labels each, and knn tells classes apart" in line
    (images / "m.jsonl").write_text("\n".join(map(json.dumps, rows_of(SAID, split="train"))))
    options = ["--from_images", str(images / "m.jsonl"), "--model", str(tmp_path / "m")]
    assert train([*options, "--head", "convnet"]) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert "'a.png' has several labels (cat, indoors)" in line
    assert not (tmp_path / "m").exists()


def test_a_head_of_several_labels_learns_from_images_extracted_before_and_after(
    run, images, tmp_path
):
    run(rows_of({"a.png": "cat", "b.png": "dog"}, split="test"))
    run(rows_of({**SAID, "a.png": ("cat", "indoors"), "c.png": ("indoors",)}, split="test"))
    table, model = tmp_path / "features", tmp_path / "m"
    options = ["--table", str(table), "--model", str(model), "--train_split", "test"]
    assert train([*options, "--head", "logistic"]) == 0
    card = json.loads((model / "card.json").read_text())
    assert card["classes"] == ["cat", "indoors"]
    assert card["rows"] == {"train": 3}  # of d.png nobody said anything
    per_label = card["metrics"]["train"]["per_label"]
    assert [each["support"] for each in per_label.values()] == [1, 2]
    found = [
        ff.predict(model, **of).rows.sort_by("image_id")
        for of in ({"table": table}, {"input": images, "weights": "random:1"})
    ]
    for name in ("image_id", "predicted"):
        assert found[0][name].to_pylist() == found[1][name].to_pylist()
    both = [each["probability_cat"].to_numpy() for each in found]
    np.testing.assert_allclose(*both, rtol=1e-4)
    stored = ff.evaluate(model, table=table, split="test")
    manifest = {"input": images / "m.jsonl", "weights": "random:1"}
    through_base = ff.evaluate(model, split="test", **manifest)
    assert through_base.measured.per_label == stored.measured.per_label
    assert through_base.measured.log_loss == pytest.approx(stored.measured.log_loss, rel=1e-4)
    assert through_base.measured.images == 3


def test_files_from_before_the_column_have_one_label_or_none(run, tmp_path):
    run(rows_of({"a.png": "cat", "b.png": None}))
    run(rows_of({"c.png": ("dog", "cat"), "d.png": ()}))
    rows = find_rows(FeatureTable.open(str(tmp_path / "features")), None)
    assert rows.keys["image_id"].to_pylist() == list(SAID)
    found = read_label_sets(rows)
    assert found.lists.to_pylist() == [["cat"], None, ["dog", "cat"], []]
    assert found.names() == ("cat", "dog")
    assert found.marks(["dog", "x"]).tolist() == [[0, 0], [0, 0], [1, 0], [0, 0]]
    assert found.said.tolist() == [True, False, True, True]


def test_the_command(images, tmp_path):
    (images / "m.csv").write_text("path,tags\na.png,cat;indoors\nb.png,dog\n")
    options = ["--label_column", "tags", "--label_separator", ";", *CHEAP]
    table = tmp_path / "features"
    assert main(["--input", str(images / "m.csv"), "--table", str(table), *options]) == 0
    assert labels_held(tmp_path) == {"a.png": ("cat", "indoors"), "b.png": ("dog",)}
