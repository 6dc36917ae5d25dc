"""Delta tables of other programs as an input: of paths, of bytes, at a version."""

import json

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipelines.errors import InputError
from pipelines.extract import main
from pipelines.images.at_location import root_of
from pipelines.images.layout import Layout
from pipelines.images.listing import list_images
from pipelines.stores.reading import read_bytes


def listed(location, version=None, root=None, **columns):
    refs = list_images(str(location), root, Layout(columns=columns, version=version))
    return {ref.image_id: (ref.label, read_bytes(ref.uri)) for ref in refs}


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a", "b", "c d"):
        (folder / f"{name}.jpg").write_bytes(name.encode())
    return folder


def test_a_table_of_paths_at_its_versions(tmp_path, images):
    where = str(tmp_path / "paths")
    write_deltalake(where, pa.table({"path": ["a.jpg", "b.jpg"], "label": ["x", "y"]}))
    write_deltalake(where, pa.table({"path": ["c d.jpg"], "label": ["x"]}), mode="append")
    DeltaTable(where).delete("path = 'a.jpg'")
    newest = {"b.jpg": ("y", b"b"), "c d.jpg": ("x", b"c d")}
    assert listed(where, root=str(images)) == newest
    assert listed(where, 0, str(images)) == {"a.jpg": ("x", b"a"), "b.jpg": ("y", b"b")}
    assert listed(where, 1, str(images)) == newest | {"a.jpg": ("x", b"a")}
    with pytest.raises(InputError, match="has no version 3, only 0 to 2"):
        listed(where, 3, str(images))
    with pytest.raises(InputError, match=r"a\.jpg.*which is outside"):
        write_deltalake(where, pa.table({"path": ["/a.jpg"], "label": ["x"]}), mode="overwrite")
        listed(where, root=str(images))


@pytest.mark.parametrize("partitions", [None, ["label"]])
def test_a_table_of_bytes_and_what_its_partitions_say(tmp_path, partitions):
    where = tmp_path / "bytes"
    columns = {"image": [b"1", b"2", b"3"], "key": ["1", "2", "3"], "label": ["a b", "ü/=%", None]}
    write_deltalake(str(where), pa.table(columns), partition_by=partitions)
    found = {"1": ("a b", b"1"), "2": ("ü/=%", b"2"), "3": (None, b"3")}
    assert listed(where, id="key") == found
    assert listed(where, id="key", label="label", path="image") == found
    assert root_of(str(where)) == str(where)
    with pytest.raises(InputError, match="tells all images apart; name one that does with --id_co"):
        listed(where)
    DeltaTable(str(where)).optimize.compact()
    assert listed(where, id="key") == found


def test_partitions_that_folders_say(tmp_path):
    from tests.columns import write

    for label in ("cat%20x", "__HIVE_DEFAULT_PARTITION__"):
        write(pa.table({"image": [b"1"], "id": [label]}), tmp_path / f"label={label}/0.parquet")
    assert listed(tmp_path) == {
        "__HIVE_DEFAULT_PARTITION__": (None, b"1"),
        "cat%20x": ("cat x", b"1"),
    }


def test_a_feature_table_is_no_input(table, tmp_path, capsys):
    assert main(["--input", str(table), "--table", str(tmp_path / "t")]) == 2
    assert "is a table of features, which --table names" in capsys.readouterr().err


def test_what_cannot_be_read_is_refused(tmp_path):
    where = tmp_path / "paths"
    write_deltalake(str(where), pa.table({"name": ["a"]}))
    with pytest.raises(InputError, match="has no column 'path', it has name; --path_column"):
        listed(where)
    (log,) = (where / "_delta_log").glob("*.json")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    plain = log.read_text()

    def changed(change):
        for line in lines:
            change(line)
        log.write_text("\n".join(map(json.dumps, lines)))

    def feature(line):
        if "protocol" in line:
            features = {key: ["deletionVectors"] for key in ("readerFeatures", "writerFeatures")}
            line["protocol"] = {"minReaderVersion": 3, "minWriterVersion": 7} | features

    changed(feature)
    with pytest.raises(InputError, match=r"wants readers that know \w*eletionVectors"):
        listed(where)
    lines[:] = map(json.loads, plain.splitlines())

    def outside(line):
        if "add" in line:
            line["add"]["path"] = "../other.parquet"

    changed(outside)
    with pytest.raises(InputError, match=r"cannot read|names '\.\./other"):
        listed(where)
    log.write_text("{")
    with pytest.raises(InputError, match="cannot read") as refused:
        listed(where)
    assert "unknown" not in str(refused.value)  # the stack of what read it


def test_a_version_is_of_a_delta_table(tmp_path, images):
    for location in (str(images), str(images / "*.tar"), str(tmp_path / "m.csv")):
        (tmp_path / "m.csv").write_text("path\na.jpg\n")
        with pytest.raises(InputError, match="--input_version is for Delta tables"):
            listed(location, 0)
