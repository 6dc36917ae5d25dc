"""Columns that a user adds to the table live through every rewriting, and new rows have null."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, Field, write_deltalake

import classifiers
from classifiers import predict, train
from pipelines import describe, forget, tidy, verify
from pipelines.driver import extract
from pipelines.errors import CommitRefusedError, TableError
from pipelines.planning.job import ExtractJob
from pipelines.stores.delta_readers import READABLE
from pipelines.table import files
from pipelines.table.feature_table import FeatureTable
from pipelines.table.files import FeatureFileWriter
from pipelines.table.inspection import inspect_file
from pipelines.table.protocol import WRITABLE
from pipelines.table.receipts import read_receipt
from pipelines.table.rewriting import Rewrite, copy_rows
from pipelines.table.schema import RECEIPT_KEY
from pipelines.table.storage import open_storage
from tests.pipelines.table.test_foreign_logs import all_refuse, status
from tests.pipelines.table.trees import (
    IMAGES,
    add_files,
    age,
    contract,
    edit_log,
    rows,
    source,
    tree,
    write_file,
    write_images,
)

NEW = "train/cat/7.jpg"


def read(table: Path) -> pa.Table:
    return DeltaTable(str(table)).to_pyarrow_table().sort_by("image_id")


def values(table: Path, name: str = "stars") -> dict[str, object]:
    """What each image has in a user's column."""
    found = read(table)
    return dict(zip(found["image_id"].to_pylist(), found[name].to_pylist(), strict=True))


def overwrite(table: Path, data, **more: object) -> None:
    write_deltalake(str(table), data, mode="overwrite", schema_mode="overwrite", **more)


def altered(table: Path) -> None:
    DeltaTable(str(table)).alter.add_columns([Field("stars", "long", True)])
    DeltaTable(str(table)).update(updates={"stars": "7"}, predicate="label = 'cat'")


def merged(table: Path) -> None:
    new = pa.table({"image_id": IMAGES, "stars": range(6)})
    on = "t.image_id = s.image_id"
    merge = DeltaTable(str(table)).merge(new, on, "s", "t", merge_schema=True)
    merge.when_matched_update({"stars": "s.stars"}).execute()


def from_pandas(table: Path) -> None:
    frame = DeltaTable(str(table)).to_pandas()
    frame["stars"] = frame["image_id"].str.len()
    overwrite(table, frame)


def from_polars(table: Path) -> None:
    frame = polars.from_arrow(read(table)).with_columns(stars=polars.col("label"))
    frame.write_delta(str(table), mode="overwrite", delta_write_options={"schema_mode": "merge"})


def nested(table: Path) -> None:
    stars = [{"by": [("me", n)], "of": [{"n": str(n)}]} if n else None for n in range(6)]
    of = pa.list_(pa.struct([("n", pa.string())]))
    kind = pa.struct([("by", pa.map_(pa.string(), pa.int32())), ("of", of)])
    overwrite(table, read(table).append_column("stars", pa.array(stars, kind)))


def of_another_type_since(table: Path) -> None:
    altered(table)
    data = read(table)
    place = data.schema.get_field_index("stars")
    overwrite(table, data.set_column(place, "stars", data["stars"].cast(pa.string())))


def widened(table: Path) -> None:
    """Files of int32 under a log that says long."""
    DeltaTable(str(table)).alter.add_columns([Field("stars", "integer", True)])

    def widen(line) -> None:
        if "metaData" in line:
            schema = json.loads(line["metaData"]["schemaString"])
            schema["fields"][-1]["type"] = "long"
            line["metaData"]["schemaString"] = json.dumps(schema)

    version = DeltaTable(str(table)).version()
    DeltaTable(str(table)).update(updates={"stars": "7"}, predicate="label = 'cat'")
    edit_log(table, version, widen)


def first(table: Path) -> None:
    """Before all of ours, in files that have them in reverse."""
    data = read(table)
    data = data.select(data.column_names[::-1])
    overwrite(table, data.add_column(0, "stars", data["image_id"]))


def run(table: Path, labels: dict[str, str], **more: object) -> dict[str, int]:
    """Extract by a manifest; nothing is left to the base, which would find no images."""
    images = table.parent / "images"
    names = [*IMAGES, NEW] if (images / NEW).exists() else IMAGES
    lines = [f"{name},{labels.get(name, name.split('/')[1])},train" for name in names]
    (images / "m.csv").write_text("\n".join(["path,label,split", *lines]))
    report = extract(ExtractJob(str(images / "m.csv"), str(table), **more))
    assert not report.counts["new_failures"]
    return report.counts


WAYS = [
    *(altered, merged, from_pandas, from_polars),
    *(nested, of_another_type_since, widened, first),
]


@pytest.mark.parametrize("add", WAYS, ids=lambda add: add.__name__)
def test_a_user_s_column_lives_through_every_rewriting(small, capsys, add: Callable):
    add(small)
    expected, features = values(small), rows(small)
    assert any(expected.values())

    assert run(small, {IMAGES[0]: "bird", IMAGES[3]: "bird"})["relabelled"] == 2
    assert values(small) == expected
    assert values(small, "label")[IMAGES[3]] == "bird"

    write_images(small.parent / "images", [NEW])
    write_file(small, [source(small.parent / "images", NEW)])
    assert run(small, {IMAGES[0]: "bird", IMAGES[3]: "bird"})["written"] == 1
    assert values(small) == {**expected, NEW: None}

    age(small)
    before = len(FeatureTable.open(str(small)).paths)
    assert status(tidy, small, "--retention_days", "0") == 0
    assert len(FeatureTable.open(str(small)).paths) < before
    assert values(small) == {**expected, NEW: None}

    assert status(forget, small, "--image_id", IMAGES[1]) == 0
    del expected[IMAGES[1]]
    assert values(small) == {**expected, NEW: None}
    assert {name: rows(small)[name] for name in expected} == {n: features[n] for n in expected}
    assert status(verify, small, "--sample", "0") == 0
    capsys.readouterr()


def test_an_image_that_comes_back_is_a_new_row(small):
    from_pandas(small)
    run(small, {IMAGES[0]: "bird"})
    images = small.parent / "images"
    (images / IMAGES[0]).rename(images / "away")
    extract(ExtractJob(str(images), str(small), prune=True))
    (images / "away").rename(images / IMAGES[0])
    # Its row in the file of an older version spares the base.
    assert run(small, {})["written"] == 1
    assert values(small)[IMAGES[0]] is None
    assert values(small)[IMAGES[1]] == len(IMAGES[1])


def test_large_values_of_a_user_s_are_copied_a_few_rows_at_a_time(small, monkeypatch):
    data = read(small)
    notes = pa.array([str(n) * 400_000 for n in range(6)])
    overwrite(small, data.append_column("note", notes))
    table, most = FeatureTable.open(str(small)), []
    taken = FeatureFileWriter.write_rows

    def write_rows(self, part: pa.Table) -> None:
        most.append(part.nbytes)
        taken(self, part)

    monkeypatch.setattr("pipelines.table.rows.ROW_GROUP_BYTES", 2**20)
    monkeypatch.setattr(files, "ROW_GROUP_BYTES", 2**20)
    monkeypatch.setattr(FeatureFileWriter, "write_rows", write_rows)
    storage = open_storage(str(small))
    (path,) = copy_rows(storage, table.paths, Rewrite.of(storage, table.paths, table))
    assert max(most) < 2**20 + 2**16
    assert pq.read_metadata(small / path).num_row_groups == 2
    assert pq.read_table(small / path, columns=["note"])["note"].to_pylist() == notes.to_pylist()


def test_a_file_whose_column_is_not_what_the_log_says_is_named(small, capsys):
    from_polars(small)

    def number(line) -> None:
        if "metaData" in line:
            schema = json.loads(line["metaData"]["schemaString"])
            schema["fields"][-1]["type"] = "long"
            line["metaData"]["schemaString"] = json.dumps(schema)

    edit_log(small, DeltaTable(str(small)).version(), number)
    before = tree(small)
    assert status(forget, small, "--image_id", IMAGES[0]) == 1
    said = capsys.readouterr().err
    assert "its column stars is string_view and cannot be made int64: Failed to parse" in said
    assert tree(small) == before


def test_damage_in_a_user_s_column_is_found(small, capsys):
    notes = pa.array([f"{n}-not-to-be-lost-{n}" for n in range(6)])
    overwrite(small, read(small).append_column("note", notes))
    run(small, {IMAGES[0]: "bird"})
    (path,) = FeatureTable.open(str(small)).paths
    footer = pq.read_metadata(small / path).row_group(0)
    chunk = footer.column(footer.num_columns - 1)
    assert chunk.path_in_schema == "note"
    data = bytearray((small / path).read_bytes())
    middle = chunk.data_page_offset + chunk.total_compressed_size // 2
    data[middle] ^= 255
    (small / path).write_bytes(data)
    assert status(verify, small, "--sample", "0") == 1
    assert f"{path}: is damaged: " in capsys.readouterr().out
    assert status(forget, small, "--image_id", IMAGES[1]) == 1
    assert f"error: {path} is damaged: could not verify page integrity" in capsys.readouterr().err


def edited_file(table: Path, **columns: pa.Array) -> str:
    """A file of one row as a rewriting leaves it, in columns of somebody's besides ours."""
    storage = open_storage(str(table))
    path = write_file(table, [source(table, NEW)])
    found = pq.read_table(table / path)
    added = pa.schema([(name, each.type) for name, each in columns.items()])
    receipt = read_receipt(storage, path)
    with FeatureFileWriter(storage, f"{path}.2", contract(), added) as writer:
        for name, each in columns.items():
            found = found.append_column(name, each)
        writer.write_rows(found)
        writer.close(replace(receipt, rows=0))
    return f"{path}.2"


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"stars": pa.array([1], pa.int32())}, "a column stars of int32, in the table it is int64"),
        ({"moons": pa.array([1])}, "a column moons, which the table has not"),
        ({"stars": pa.array([1]), "moons": pa.array([1])}, "a column moons, which the table"),
    ],
)
def test_the_gate_takes_a_user_s_columns_and_no_others(small, column, said):
    altered(small)
    version = FeatureTable.open(str(small)).version
    with pytest.raises(CommitRefusedError, match=said):
        add_files(small, [edited_file(small, **column)])
    assert FeatureTable.open(str(small)).version == version
    add_files(small, [edited_file(small, stars=pa.array([9]))])
    assert values(small)[NEW] == 9


def test_a_file_with_a_column_of_ours_twice_or_changed_is_still_refused(small):
    path = edited_file(small, stars=pa.array([9]))
    storage = open_storage(str(small))
    assert inspect_file(storage, path).added.names == ["stars"]
    held = pq.read_table(small / path)
    receipt = {RECEIPT_KEY: pq.read_metadata(small / path).metadata[RECEIPT_KEY]}
    for change in (
        held.append_column("label", held["label"]),
        held.set_column(1, "copy", held["copy"].cast(pa.int64())),
        held.select(["stars", *held.column_names[:-1]]),
        held.drop_columns(["uri"]),
    ):
        pq.write_table(change.replace_schema_metadata(receipt), small / path)
        with pytest.raises(CommitRefusedError, match="has other columns than the feature table"):
            inspect_file(storage, path)


@pytest.mark.parametrize("by", ["split", "stars"])
def test_a_table_that_somebody_partitioned_is_refused(small, capsys, by):
    altered(small)
    overwrite(small, read(small), partition_by=[by])
    before = tree(small)
    all_refuse(small, f"is partitioned by {by}, whose values are not in its files", capsys)
    assert tree(small) == before
    DeltaTable(str(small)).restore(6)
    assert sorted(classifiers.load(str(small)).ids) == sorted(IMAGES)


def test_a_table_that_lost_a_column_is_refused(small, capsys):
    overwrite(small, read(small).drop_columns(["sha256", "copy"]))
    all_refuse(small, "has no column copy, sha256 any more; restore a version", capsys)


def refused_before_work(table: Path, said: str, capsys) -> None:
    """An extraction ends before it opens an image, `forget` before it writes; reading goes on."""
    write_images(table.parent / "images", [NEW])
    before = tree(table)
    with pytest.raises(TableError, match=said):
        extract(ExtractJob(str(table.parent / "images"), str(table)))
    assert status(forget, table, "--image_id", IMAGES[0]) == 1
    assert said in capsys.readouterr().err
    assert tree(table) == before
    assert status(describe, table) == status(verify, table, "--sample", "0") == 0
    assert sorted(classifiers.load(str(table)).ids) == sorted(IMAGES)
    capsys.readouterr()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("copy", pa.int64()), ("features", pa.list_(pa.float64())), ("width", pa.float64())],
)
def test_a_column_of_ours_that_became_another_is_refused_before_any_work(small, capsys, name, kind):
    data = read(small)
    place = data.schema.get_field_index(name)
    overwrite(small, data.set_column(place, name, data[name].cast(kind)))
    refused_before_work(small, f"the column {name} of {small} is of ", capsys)


def test_a_user_s_column_that_new_rows_cannot_leave_empty(small, capsys):
    stars = pa.field("stars", pa.int64(), nullable=False)
    overwrite(small, read(small).append_column(stars, pa.array(range(6))))
    refused_before_work(small, "has a column stars that must not be null", capsys)


@pytest.mark.parametrize("key", ["delta.generationExpression", "delta.identity.start"])
def test_a_user_s_column_that_delta_computes(small, capsys, key):
    from_pandas(small)

    def computed(line) -> None:
        if "metaData" in line:
            schema = json.loads(line["metaData"]["schemaString"])
            schema["fields"][-1]["metadata"] = {key: "1"}
            line["metaData"]["schemaString"] = json.dumps(schema)

    edit_log(small, DeltaTable(str(small)).version(), computed)
    refused_before_work(small, "has a column stars that a Delta writer computes", capsys)


def with_protocol(table: Path, **protocol: object) -> None:
    version = DeltaTable(str(table)).version() + 1
    lines = [{"commitInfo": {"timestamp": 1, "operation": "x"}}, {"protocol": protocol}]
    text = "\n".join(map(json.dumps, lines))
    (table / f"_delta_log/{version:020d}.json").write_text(text)


def writing(*features: str) -> dict[str, object]:
    of_readers = [name for name in features if name in READABLE]
    versions = {"minReaderVersion": 3, "minWriterVersion": 7}
    return {**versions, "readerFeatures": of_readers, "writerFeatures": features}


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        (writing("rowTracking", "domainMetadata"), "know domainMetadata, rowTracking, which"),
        (writing("allowColumnDefaults"), "wants writers that know allowColumnDefaults"),
        ({"minReaderVersion": 2, "minWriterVersion": 6}, "wants writers that know version 6"),
    ],
)
def test_a_table_that_no_commit_goes_into(small, capsys, protocol, said):
    with_protocol(small, **protocol)
    refused_before_work(small, said, capsys)


def test_features_that_are_let_through_can_be_written(small):
    with_protocol(small, **writing(*WRITABLE))
    write_images(small.parent / "images", [NEW])
    write_file(small, [source(small.parent / "images", NEW)])
    assert run(small, {IMAGES[0]: "bird"})["written"] == 1


def test_rows_that_somebody_appended_twice(small, capsys):
    """An extraction would run the base for nothing; `verify` tells, and `forget` is a way out."""
    first, second = IMAGES[:2]
    data = read(small)
    write_deltalake(str(small), data.slice(0, 2), mode="append")
    write_deltalake(str(small), data.slice(0, 1), mode="append")
    write_images(small.parent / "images", [NEW])
    before = tree(small)
    said = rf"2 rows stand in {small} more than once \({first}, {second}\): another program"
    with pytest.raises(TableError, match=said):
        extract(ExtractJob(str(small.parent / "images"), str(small)))
    assert status(tidy, small) == status(forget, small, "--image_id", IMAGES[3]) == 1
    assert capsys.readouterr().err.count("delete these images with pipelines.forget") == 2
    assert status(verify, small, "--sample", "0") == 1
    assert f"{first}: is there 3 times\n{second}: is there 2 times" in capsys.readouterr().out
    assert tree(small) == before
    assert classifiers.load(str(small)).ids.tolist().count(first) == 3
    assert f"{small} holds 3 rows more than once, and they count as" in capsys.readouterr().err
    assert status(forget, small, "--image_id", first, second) == 0
    assert sorted(classifiers.load(str(small)).ids) == sorted(IMAGES[2:])
    capsys.readouterr()


def appended_by_merge(table: Path) -> None:
    row = read(table).slice(0, 1).set_column(0, "image_id", pa.array([NEW]))
    frame = row.select(row.column_names[::-1]).to_pandas()
    write_deltalake(str(table), frame, mode="append", schema_mode="merge")


def of_some_columns(table: Path) -> None:
    """Without those that may be null."""
    overwrite(table, read(table).drop_columns(["uri", "width", "height", "modified", "bytes"]))


@pytest.mark.parametrize("change", [appended_by_merge, from_pandas, first, of_some_columns])
def test_order_and_nullability_of_another_writer_are_no_matter(small, capsys, change):
    change(small)
    held = rows(small)
    model = str(small.parent / "model")
    output = ["--output", str(small.parent / "p.parquet")]
    assert status(describe, small) == 0
    assert status(verify, small, "--sample", "0") == 0
    assert status(train, small, "--head", "logistic", "--model", model) == 0
    assert status(predict, small, "--model", model, *output) == 0
    assert sorted(classifiers.load(str(small)).ids) == sorted(held)
    if change is not of_some_columns:
        assert run(small, {IMAGES[0]: "bird"})["relabelled"] == 1
    assert status(tidy, small) == 0
    assert status(forget, small, "--image_id", IMAGES[1]) == 0
    del held[IMAGES[1]]
    assert rows(small) == held
    capsys.readouterr()
