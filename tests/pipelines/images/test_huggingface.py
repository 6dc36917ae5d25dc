"""Folders with the metadata that Hugging Face's `datasets` reads."""

import json

import pandas
import pytest

from pipelines.errors import InputError
from pipelines.images.layout import LabelsFrom, Layout
from pipelines.images.listing import list_images
from pipelines.images.splits import split_of
from pipelines.stores.objects import ObjectStat
from tests.conftest import write_image

ROWS = [("0001.png", "cat"), ("sub/0002.png", "dog")]
FOLDERS = Layout(labels_from=LabelsFrom.parse("folder"))


@pytest.fixture
def images(tmp_path):
    for place, name in enumerate(["0001.png", "sub/0002.png", "other.png"]):
        write_image(tmp_path / "set" / name, seed=place)
    return tmp_path / "set"


def write(folder, kind, rows, columns=("file_name", "label")):
    frame = pandas.DataFrame(rows, columns=list(columns))
    manifest = folder / f"metadata.{kind}"
    if kind == "csv":
        frame.to_csv(manifest, index=False)
    elif kind == "jsonl":
        frame.to_json(manifest, orient="records", lines=True)
    else:
        frame.to_parquet(manifest)
    return manifest


def rows(location, layout=None):
    refs = list_images(str(location), None, layout or Layout())
    return [(ref.image_id, ref.label, ref.split) for ref in refs]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_the_metadata_of_a_folder_is_its_manifest(images, kind, capsys):
    manifest = write(images, kind, ROWS)
    assert rows(images) == [(name, label, split_of(name, label)) for name, label in ROWS]
    said = capsys.readouterr().err
    assert f"{manifest} is taken for the manifest of its folder" in said
    assert (
        f"1 of 3 images in {images} are not in its metadata and are not read, 'other.png'" in said
    )
    assert "by their suffix" not in said


def test_each_split_may_have_metadata_of_its_own(tmp_path, capsys):
    for split in ("train", "Valid"):
        write_image(tmp_path / split / "0001.png", seed=len(split))
        write(tmp_path / split, "csv", [("0001.png", f"of {split}")])
    assert rows(tmp_path) == [
        ("Valid/0001.png", "of Valid", "validation"),
        ("train/0001.png", "of train", "train"),
    ]
    assert "'Valid' is taken for 'validation'" in capsys.readouterr().err


def test_a_split_in_a_path_of_the_metadata_is_one(tmp_path):
    write(tmp_path, "jsonl", [("train/1.png", "cat"), ("test/2.png", "cat")])
    write_image(tmp_path / "train/1.png", seed=1)
    assert [split for _, _, split in rows(tmp_path)] == ["test", "train"]


def test_folders_are_read_where_it_is_asked_for(tmp_path):
    write_image(tmp_path / "cat/1.png", seed=1)
    write(tmp_path, "csv", [("cat/1.png", "lion")])
    assert rows(tmp_path)[0][1] == "lion"
    assert rows(tmp_path, FOLDERS)[0][1] == "cat"


def test_metadata_without_labels_does_not_take_those_of_the_folders(tmp_path):
    write_image(tmp_path / "cat/1.png", seed=1)
    manifest = write(tmp_path, "csv", [("cat/1.png", "a cat on a mat")], ("file_name", "text"))
    with pytest.raises(
        InputError, match=r"says no labels, and the folders .* --labels_from folder"
    ):
        rows(tmp_path)
    assert rows(tmp_path, FOLDERS)[0][1] == "cat"
    assert rows(manifest)[0][1] is None


def test_metadata_of_something_else_is_no_manifest(tmp_path, capsys):
    write_image(tmp_path / "cat/1.png", seed=1)
    write(tmp_path, "csv", [("1", "x")], ("camera", "lens"))
    write(tmp_path / "cat", "jsonl", [("1.png", "x")], ("image", "y"))
    assert rows(tmp_path)[0][1] == "cat"
    assert "2 of 3 files of" in capsys.readouterr().err


def test_two_manifests_of_one_folder_are_refused(images):
    write(images, "csv", ROWS)
    write(images, "jsonl", ROWS)
    with pytest.raises(InputError, match=r"metadata.jsonl and .*metadata.csv are both manifests"):
        rows(images)


@pytest.mark.parametrize(
    ("row", "message"),
    [("../../secret.png", "outside"), ("", "has no path"), ("/etc/x.png", "outside")],
)
def test_metadata_is_fenced_in_as_manifests_are(images, row, message):
    write(images, "jsonl", [*ROWS, (row, "cat")])
    with pytest.raises(InputError, match=message):
        rows(images)


def test_metadata_that_cannot_be_read_is_refused(images):
    (images / "metadata.jsonl").write_text("{")
    with pytest.raises(InputError, match=r"cannot read .*metadata.jsonl: line 1 is no JSON"):
        rows(images)


def test_a_prefix_may_have_metadata_too(monkeypatch, capsys):
    content = "".join(json.dumps({"file_name": n, "label": la}) + "\n" for n, la in ROWS).encode()
    keys = ["in/0001.png", "in/sub/0002.png", "in/x.png", "in/metadata.jsonl"]
    page = [ObjectStat(key, 7, 1) for key in keys]
    monkeypatch.setattr("pipelines.images.prefix.list_objects", lambda _: iter([page]))
    monkeypatch.setattr("pipelines.images.at_location.is_delta_table", lambda _: False)
    monkeypatch.setattr("pipelines.images.at_location.require_store", lambda _: None)
    monkeypatch.setattr("pipelines.images.manifest_files.read_bytes", lambda _uri, _most: content)
    monkeypatch.setattr(
        "pipelines.images.prefix.stat_of_many",
        lambda _, keys: {k: ObjectStat(k, 7, 1) for k in keys},
    )
    refs = list_images("s3://b/in")
    assert [(ref.uri, ref.label, ref.bytes) for ref in refs] == [
        ("s3://b/in/0001.png", "cat", 7),
        ("s3://b/in/sub/0002.png", "dog", 7),
    ]
    assert "1 of 3 images in s3://b/in are not in its metadata" in capsys.readouterr().err
