"""What another program may have written into a table's log and files: one line, never a traceback.

`tests/faults/test_fuzz.py` tries many more.
"""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import classifiers
from classifiers import train
from pipelines import describe, forget, tidy, verify
from pipelines.driver import extract
from pipelines.errors import CommitRefusedError, TableError
from pipelines.planning.job import ExtractJob
from pipelines.planning.uncommitted import find_uncommitted
from pipelines.table.commit_log import read_commits
from pipelines.table.feature_table import FeatureTable
from pipelines.table.inspection import inspect_file
from pipelines.table.receipts import read_receipt, receipt_to_json
from pipelines.table.schema import RECEIPT_KEY
from pipelines.table.storage import open_storage
from tests.pipelines.table.trees import (
    IMAGES,
    LENGTH,
    LONG_AGO,
    age,
    contract,
    edit_log,
    rows,
    source,
    write_file,
    write_images,
)

PLANTED = "data/20200101T000000000-aaaaaaaa-000000-bbbbbbbb.parquet"


def status(command, table, *options: str) -> int:
    return command.main(["--table", str(table), *options])


def all_refuse(table, said: str, capsys) -> None:
    """Every command ends with one line and status 1, and changes nothing."""
    commands = [
        (describe, []),
        (verify, ["--sample", "0"]),
        (tidy, ["--retention_days", "0"]),
        (forget, ["--image_id", IMAGES[0]]),
        (train, ["--head", "logistic", "--model", str(table.parent / "model")]),
    ]
    for command, options in commands:
        assert status(command, table, *options) == 1
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
        assert len(err) < 600
    with pytest.raises(TableError, match=r"."):
        extract(ExtractJob(str(table.parent / "images"), str(table)))


def property_of(name: str, value):
    def change(line) -> None:
        if "metaData" in line:
            line["metaData"]["configuration"][f"frozen_features.{name}"] = value

    return change


CONTRACT = json.loads(contract().canonical_json())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("contract", '"a string"', "not a contract of this version: Expected `object`, got `str`"),
        ("contract", "[]", "Expected `object`, got `array`"),
        ("contract", json.dumps({**CONTRACT, "image_size": "32"}), "Expected `int`, got `str`"),
        ("contract", json.dumps({**CONTRACT, "image_size": 0}), "image_size 0 is not above 0"),
        ("contract", json.dumps({**CONTRACT, "base": "VGG99"}), "base 'VGG99' is not known"),
        ("contract", json.dumps({**CONTRACT, "precision": "int8"}), "precision 'int8'"),
        ("contract", json.dumps({**CONTRACT, "compute_dtype": []}), "got `array`"),
        ("contract", "[" * 20_000, "cannot be read"),
        ("feature_shape", "null", "Expected `array`, got `null`"),
        ("feature_shape", "[]", "[] is no shape of features"),
        ("feature_shape", "[-4, 4]", "[-4, 4] is no shape of features"),
        ("feature_shape", "[65536, 65536]", "is no shape of features"),
        ("feature_shape", '["4"]', "Expected `int`, got `str`"),
        ("feature_shape", "[1e400]", "cannot be read"),
        ("augmentation", "3", "no augmentation of this version"),
        ("augmentation", '{"rotation": "much"}', "Expected `float`, got `str`"),
    ],
)
def test_properties(small, capsys, name, value, said):
    edit_log(small, 0, property_of(name, value))
    all_refuse(small, said, capsys)
    with pytest.raises(TableError, match=r"upgrade, if a newer .* or extract into another table$"):
        FeatureTable.open(str(small))


def needing(features: list[str], settings: dict[str, str]):
    def change(line) -> None:
        if "protocol" in line:
            line["protocol"] = {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": features,
                "writerFeatures": features,
            }
        if "metaData" in line:
            line["metaData"]["configuration"] |= settings
            schema = json.loads(line["metaData"]["schemaString"])
            for number, field in enumerate(schema["fields"], start=1):
                mapped = {"id": number, "physicalName": field["name"]}
                field["metadata"] = {f"delta.columnMapping.{k}": v for k, v in mapped.items()}
            line["metaData"]["schemaString"] = json.dumps(schema)

    return change


@pytest.mark.parametrize(
    ("features", "settings"),
    [
        (["deletionVectors"], {"delta.enableDeletionVectors": "true"}),
        (["columnMapping"], {"delta.columnMapping.mode": "name"}),
        (["columnMapping", "deletionVectors"], {}),
    ],
)
def test_tables_whose_files_do_not_tell_all(small, capsys, features, settings):
    edit_log(small, 0, needing(features, settings))
    all_refuse(small, f"wants readers that know {', '.join(features)}", capsys)


def test_a_reader_feature_that_is_not_known_to_anybody(small, capsys):
    edit_log(small, 0, needing(["telepathy"], {}))
    all_refuse(small, "telepathy", capsys)


@pytest.mark.parametrize("time", [None, "yesterday", 1e300, -5, True, 2**62, [], 10**17])
def test_commits_without_a_time(small, capsys, time):
    def change(line) -> None:
        if "commitInfo" in line:
            if time is None:
                line["commitInfo"].pop("timestamp")
            else:
                line["commitInfo"]["timestamp"] = time

    for version in range(7):
        edit_log(small, version, change)
    age(small)
    try:
        FeatureTable.open(str(small))
    except TableError:
        return  # refused by delta-rs, in one line
    commits = list(read_commits(open_storage(str(small))))
    assert {commit.time for commit in commits} == {LONG_AGO * 1000}
    assert status(describe, small) == 0
    assert "2020-09-13 12:26:40" in capsys.readouterr().out
    held = rows(small)
    assert status(tidy, small) == 0
    assert rows(small) == held


@pytest.mark.parametrize(
    "record",
    [
        "a string",
        ["a", "list"],
        {"counts": "many"},
        {"counts": {"written": "x"}},
        {"versions": 3, "engine": 4},
        {"versions": {"python": "3"}},
        {"digests": ["a"]},
        {"digests": {PLANTED: 7}},
        {"run": {"a": 1}, "who": []},
        {"images_per_second": "fast", "engine": {}},
    ],
)
def test_records_of_runs(small, capsys, record):
    def change(line) -> None:
        if "commitInfo" in line:
            line["commitInfo"]["frozen_features"] = record

    for version in range(7):
        edit_log(small, version, change)
    assert status(describe, small, "--json", str(small.parent / "out.json")) == 0
    assert status(verify, small, "--sample", "0") == 0
    assert status(tidy, small) == 0
    assert status(forget, small, "--image_id", IMAGES[0]) == 0
    capsys.readouterr()


def test_a_commit_that_is_no_json_is_named(small, capsys):
    log = small / f"_delta_log/{2:020d}.json"
    FeatureTable.open(str(small)).delta.create_checkpoint()
    log.write_text('{"commitInfo": "x"}\n')
    assert status(describe, small) == 1
    assert "00000000000000000002.json in the table's log cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("stats", ["{", "[]", '{"numRecords": "many"}', '{"numRecords": -7}', "3"])
def test_statistics(small, capsys, stats):
    held = rows(small)
    edit_log(small, 6, lambda line: line.get("add") and line["add"].update(stats=stats))
    for command, options in ((describe, []), (tidy, []), (forget, ["--image_id", "nobody"])):
        result = status(command, small, *options)
        assert capsys.readouterr().err.count("\n") <= 1
        assert result in (0, 1)
    assert sorted(classifiers.load(str(small)).ids) == sorted(held)


def latin(count: int) -> pa.Array:
    """Texts that are Latin-1: Arrow writes and reads them, and stumbles when somebody looks."""
    offsets = pa.py_buffer(np.arange(0, 4 * (count + 1), 4, dtype=np.int32))
    return pa.Array.from_buffers(
        pa.string(), count, [None, offsets, pa.py_buffer(b"caf\xe9" * count)]
    )


def rewrite(path, change, receipt: bytes | None = None) -> None:
    kept = pq.read_metadata(path).metadata.get(RECEIPT_KEY) if receipt is None else receipt
    table = change(pq.read_table(path))
    pq.write_table(table.replace_schema_metadata({} if kept is None else {RECEIPT_KEY: kept}), path)


def column(name: str, values):
    def change(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(name)
        return table.set_column(place, name, values(table.num_rows))

    return change


def own_file(table):
    return table / next(path for path in FeatureTable.open(str(table)).paths if "data/" in path)


@pytest.mark.parametrize("name", ["label", "split", "image_id", "sha256", "uri"])
def test_texts_that_are_no_utf8(small, capsys, name):
    rewrite(own_file(small), column(name, latin))
    commands = [(verify, ["--sample", "0"]), (tidy, ["--retention_days", "0"])]
    if name in ("label", "split", "image_id"):
        train_it = ["--head", "logistic", "--model", str(small.parent / "model")]
        commands += [(train, train_it)]
    if name in ("label", "split"):
        commands += [(describe, [])]
    before = sorted(small.rglob("*.parquet"))
    for command, options in commands:
        assert status(command, small, *options) == 1
        said = capsys.readouterr()
        assert "UTF8" in said.out + said.err
    assert sorted(small.rglob("*.parquet")) == before


@pytest.mark.parametrize(
    "change",
    [
        column("copy", lambda n: pa.nulls(n, pa.int32())),
        column("split", lambda n: pa.nulls(n, pa.string())),
        column("image_id", lambda n: pa.nulls(n, pa.string())),
        column("features", lambda n: pa.array(["x"] * n)),
        column("features", lambda n: pa.array([[None] * LENGTH] * n, pa.list_(pa.float32()))),
        lambda table: table.drop_columns(["copy"]),
        lambda table: table.drop_columns(["image_id"]),
        lambda table: table.drop_columns(["features"]),
        lambda table: table.append_column("image_id", table["image_id"]),
    ],
)
def test_columns_of_another_kind(small, capsys, change):
    rewrite(own_file(small), change)
    for command, options in ((verify, ["--sample", "0"]), (tidy, []), (describe, [])):
        result = status(command, small, *options)
        capsys.readouterr()
        assert result == 1 or command is describe
    with pytest.raises(TableError, match=r"."):
        classifiers.load(str(small))


RECEIPTS = [
    b"",
    b"[]",
    b"null",
    b"3",
    b"\xff\xfe",
    b"[" * 20_000,
    {"rows": "1"},
    {"rows": None},
    {"split": 5},
    {"feature_shape": None},
    {"feature_shape": ["8"]},
    {"contract": 5},
    {"contract": "[]"},
    {"contract": json.dumps({**CONTRACT, "base": []})},
    {"augmentation": "x"},
    {"augmentation": 5},
    {"failures": "none"},
    {"failures": [None]},
    {"failures": [{"ref": {}}]},
    {"failures": [{"ref": 3, "sha256": 4, "stage": [], "error": 1, "message": 2, "lasting": 3}]},
    {"surprise": 1},
]


@pytest.mark.parametrize("said", RECEIPTS, ids=str)
def test_a_planted_receipt_does_not_end_an_extraction(small, said):
    images = small.parent / "images"
    path = write_file(small, [source(images, "train/cat/new.jpg")])
    (small / path).rename(small / PLANTED)
    storage = open_storage(str(small))
    values = json.loads(receipt_to_json(read_receipt(storage, PLANTED)))
    text = said if isinstance(said, bytes) else json.dumps({**values, **said}).encode()
    rewrite(small / PLANTED, lambda rows: rows, text)
    table = FeatureTable.open(str(small))
    with pytest.raises((TableError, CommitRefusedError)):
        inspect_file(storage, PLANTED)
    found = find_uncommitted(storage, table.paths, contract())
    assert PLANTED not in {file.path for file in found}
    # With something to do, which looks at what lies about.
    write_images(images, ["train/cat/new.jpg"])
    report = extract(ExtractJob(str(images), str(small), max_failures=1))
    assert report.counts["new_failures"] == 1
    assert report.counts["present"] == len(IMAGES)


@pytest.mark.parametrize("name", ["label", "image_id"])
def test_a_planted_file_of_texts_that_are_no_utf8_is_left_alone(small, name):
    path = write_file(small, [source(small, f"train/cat/{i}.jpg") for i in range(7, 9)])
    rewrite(small / path, column(name, latin))
    with pytest.raises(CommitRefusedError, match=r"damaged|other columns"):
        inspect_file(open_storage(str(small)), path)
    found = find_uncommitted(open_storage(str(small)), [], contract())
    assert path not in {file.path for file in found}
