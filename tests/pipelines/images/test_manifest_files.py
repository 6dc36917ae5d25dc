"""Manifests as other tools write them: one rule for all formats, and nothing silent."""

import math

import pandas
import pyarrow as pa
import pytest
from pyarrow import parquet

from pipelines.errors import InputError
from pipelines.images.listing import list_images


def write(folder, kind, columns):
    manifest = folder / f"m.{kind}"
    frame = pandas.DataFrame(columns)
    if kind == "csv":
        frame.to_csv(manifest, index=False)
    elif kind in ("json", "jsonl"):
        frame.to_json(manifest, orient="records", lines=kind == "jsonl")
    else:
        frame.to_parquet(manifest)
    return manifest


def labels(manifest):
    return [(ref.image_id, ref.label) for ref in list_images(str(manifest))]


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([1, 2], ["1", "2"]),
        ([1.0, math.nan], ["1", None]),
        ([1.5, 2.0], ["1.5", "2"]),
        ([3e15, 1e-5], ["3000000000000000", "1e-05"]),
        ([" cat", "cat "], ["cat", "cat"]),
        (["cat", None], ["cat", None]),
        (["cat", "  "], ["cat", None]),
        (["nan", "1.0"], ["nan", "1"]),
    ],
    ids=range(8),
)
def test_labels_are_the_same_from_every_format(tmp_path, kind, values, wanted):
    manifest = write(tmp_path, kind, {"path": ["a.jpg", "b.jpg"], "label": values})
    assert labels(manifest) == list(zip(["a.jpg", "b.jpg"], wanted, strict=True))


def test_truth_values_and_categories_are_labels(tmp_path):
    table = pa.table({"path": ["a.jpg"], "label": pa.array([True])})
    parquet.write_table(table, tmp_path / "m.parquet")
    assert labels(tmp_path / "m.parquet") == [("a.jpg", "true")]
    (tmp_path / "m.jsonl").write_text('{"path": "a.jpg", "label": true}')
    assert labels(tmp_path / "m.jsonl") == [("a.jpg", "true")]
    categories = pa.array(["dog", "cat"]).dictionary_encode()
    table = pa.table({"path": ["a.jpg", "b.jpg"], "label": categories})
    parquet.write_table(table, tmp_path / "m.parquet")
    assert labels(tmp_path / "m.parquet") == [("a.jpg", "dog"), ("b.jpg", "cat")]


@pytest.mark.parametrize(
    "header", ["path, label, split", "PATH,Label,SPLIT", " path ,label ,split"]
)
def test_headers_may_differ_in_case_and_spaces(tmp_path, header, capsys):
    (tmp_path / "m.csv").write_text(f"{header}\na.jpg, cat,test\n")
    (ref,) = list_images(str(tmp_path / "m.csv"))
    assert (ref.label, ref.split) == ("cat", "test")
    assert capsys.readouterr().err == ""


def test_a_column_that_is_there_excuses_its_likes(tmp_path, capsys):
    (tmp_path / "m.csv").write_text("path,label,class\na.jpg,cat,mammal\n")
    assert labels(tmp_path / "m.csv") == [("a.jpg", "cat")]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", b"path\nhttps://u:p@example.org/a.jpg\n", "with a user or password; the table"),
        (
            "m.csv",
            b"path\ns3://bucket/a.jpg\n",
            "outside the root; name one above all images with --input_root",
        ),
        ("m.jsonl", b'{"path": ["a.jpg"]}', "line 1 has a 'path' that is no text"),
        ("m.jsonl", b'{"path": "a.jpg", "label": {"cat": 1}}', "'label' that is no text"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        list_images(str(tmp_path / name))


def test_links_into_a_cache_are_told_as_that(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/blob").write_bytes(b"x")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a.jpg").symlink_to(tmp_path / "cache/blob")
    (tmp_path / "set/m.csv").write_text("path\na.jpg\n")
    with pytest.raises(InputError, match=r"a link that leads to .*cache/blob.*give the paths that"):
        list_images(str(tmp_path / "set/m.csv"))
