"""Manifests as spreadsheets, data frames and scripts write them: the same images from all."""

import gzip
import io
import json
import tracemalloc

import pandas
import pytest

from pipelines.errors import InputError
from pipelines.images import manifest_files
from pipelines.images.at_location import root_of
from pipelines.images.layout import Layout
from pipelines.images.listing import list_images

ROWS = [("a b.jpg", "cat, or dog", "train"), ("ü.jpg", "7", "test"), ("c;d|e.jpg", "7", "train")]
WANTED = sorted(ROWS)


def rows(manifest, **options):
    refs = list_images(str(manifest), **options)
    return [(ref.image_id, ref.label, ref.split) for ref in refs]


def text(delimiter, header=("path", "label", "split"), ends="\n"):
    frame = pandas.DataFrame(ROWS, columns=list(header))
    return frame.to_csv(sep=delimiter, index=False, lineterminator=ends)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["m.csv", "M.TSV", "m.csv.gz", "m.txt", "m.txt.gz"])
def test_any_delimiter_and_encoding(tmp_path, encoding, name, capsys):
    for delimiter in (",", ";", "\t", "|"):
        content = text(delimiter, ends="\r\n").encode(encoding)
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        assert rows(tmp_path / name) == WANTED
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("a|b,path,label", ","),
        ('"x,y,z,w";path;label', ";"),
        ("sep=;\na,b,c;path;label", ";"),
        ("SEP=|\r\n\r\nx|path|label", "|"),
        ("x\f\u2028y,path,label", ","),
        ('"x\ny;z";path;label', ";"),
    ],
)
def test_the_delimiter_is_the_one_that_gives_paths(tmp_path, header, delimiter):
    row = delimiter.join(["x", "a.jpg", "cat"])
    (tmp_path / "m.csv").write_text(f"{header}\n{row}\n", newline="")
    assert [(name, label) for name, label, _ in rows(tmp_path / "m.csv")] == [("a.jpg", "cat")]


def test_a_column_that_is_named_tells_the_delimiter_too(tmp_path):
    (tmp_path / "m.csv").write_text("a,b,c;Bild;Art\nx;a.jpg;cat\n")
    found = rows(tmp_path / "m.csv", layout=layout(path="Bild", label="Art"))
    assert [each[:2] for each in found] == [("a.jpg", "cat")]


def layout(**columns):
    return Layout(columns=columns)


def test_a_list_of_paths_needs_no_header(tmp_path):
    (tmp_path / "m.txt").write_bytes('a,b;"c.jpg\r\n\r\nsub/d e.jpg\n'.encode("utf-16"))
    assert rows(tmp_path / "m.txt") == [
        ('a,b;"c.jpg', None, "unlabelled"),
        ("sub/d e.jpg", None, "unlabelled"),
    ]


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("file_name", "class"),
        ("Filename", "Category"),
        (" IMAGE ", "target"),
        ("filepath", "CLASS"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
def test_what_others_call_a_column_is_taken_and_said(tmp_path, path, label, kind, capsys):
    frame = pandas.DataFrame(ROWS, columns=[path, label, "split"])
    manifest = tmp_path / f"m.{kind}"
    if kind == "csv":
        frame.to_csv(manifest, index=False)
    elif kind == "parquet":
        frame.to_parquet(manifest)
    else:
        frame.to_json(manifest, orient="records", lines=kind == "jsonl")
    assert rows(manifest) == WANTED
    taken = f"{path!r} is taken for the path, {label!r} is taken for the label"
    assert capsys.readouterr().err == f"of the columns of {manifest}, {taken}\n"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("file_name,image", "'file_name' and 'image'.*path; --path_column 'file_name' takes"),
        ("path,class,category", "'class' and 'category'.*label; --label_column 'class' takes"),
        ("path,Path", "'path' and 'Path'.*--path_column 'path' takes the first"),
        ("path,path", "has 2 columns 'path'; rename all but one"),
        ("file,x", "no column 'path'; --path_column 'file' takes that one"),
        ("x,y", "has no column 'path', it has 'x', 'y'; --path_column names"),
    ],
)
def test_what_may_be_meant_twice_or_not_at_all_is_refused(tmp_path, header, message):
    row = ",".join(["a.jpg"] * (header.count(",") + 1))
    (tmp_path / "m.csv").write_text(f"{header}\n{row}\n")
    with pytest.raises(InputError, match=message):
        rows(tmp_path / "m.csv")


def test_naming_the_column_decides(tmp_path, capsys):
    (tmp_path / "m.csv").write_text("file_name,image,class,category\na.jpg,b.jpg,cat,pet\n")
    columns = layout(path="image", label="category")
    assert [each[:2] for each in rows(tmp_path / "m.csv", layout=columns)] == [("b.jpg", "pet")]
    assert capsys.readouterr().err == ""


def test_a_column_that_only_looks_meant_is_told_with_its_option(tmp_path, capsys):
    (tmp_path / "m.csv").write_text("path,Subset,image_id\na.jpg,test,1\n")
    assert rows(tmp_path / "m.csv") == [("a.jpg", None, "unlabelled")]
    said = capsys.readouterr().err
    assert "column 'Subset' of" in said
    assert "--split_column 'Subset' takes it for the split" in said
    assert "--id_column 'image_id' takes it for the id" in said


@pytest.mark.parametrize("name", ["m.json", "m.jsonl", "m.ndjson", "m.json.gz"])
@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_objects_is_rows_too(tmp_path, name, indent):
    values = [{"path": f"{i}.jpg", "label": i, "x": [float("nan"), {}]} for i in range(3)]
    content = b"\xef\xbb\xbf " + json.dumps(values, indent=indent).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert [each[:2] for each in rows(tmp_path / name)] == [(f"{i}.jpg", str(i)) for i in range(3)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.json", b'[{"path": "a.jpg"}', "no JSON array after item 1"),
        ("m.json", b'[{"path": "a.jpg"}] x', "no JSON array after item 1"),
        ("m.json", b'[{"path": "a.jpg"} {"path": "b.jpg"}]', "no JSON array after item 1"),
        ("m.json", b'[{"path": "a.jpg"}, 7]', "item 2 is no object"),
        ("m.json", b'[{"path": "a.jpg"}, {"path": ]', "item 2 is no JSON"),
        ("m.json", b'[{"path": {"0": "a.jpg"}}]', "item 1 has a 'path' that is no text"),
        ("m.json", b"[" * 1_000_000, "nested too deeply"),
        ("m.json", b"[]", "it is empty"),
        ("m.json", b'{\n "images": []}', "line 1 is no JSON .*; write an object a line, or all"),
        ("m.jsonl", b"", "it is empty"),
        ("m.csv", b"\n\n", "it is empty"),
        ("m.txt", b"", "no images"),
        ("m.csv", "path\nä.jpg\n".encode("cp1252"), "it is no UTF-8; save it as UTF-8"),
        ("m.jsonl", '{"path": "ä.jpg"}'.encode("cp1252"), "it is no UTF-8"),
        ("m.csv", b"\xff\xfep\0a\0t", "it is no UTF-16-LE"),
        ("m.csv.gz", b"path\na.jpg\n", "Not a gzipped file"),
        ("m.csv.gz", gzip.compress(b"path\na.jpg\n" * 99, mtime=0)[:-20], "it is damaged"),
        ("m.csv", b"file_name;path|image\na;b|c\n", r"is divided by ';' and by '\|'; quote"),
    ],
)
def test_what_is_damaged_says_where(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        rows(tmp_path / name)


def test_what_unpacks_to_much_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest_files, "MAX_BYTES", 1 << 20)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
    (tmp_path / "m.csv.gz").write_bytes(packed.getvalue())
    tracemalloc.start()
    with pytest.raises(InputError, match="unpacked it takes more than the 1,048,576 bytes"):
        rows(tmp_path / "m.csv.gz")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 << 20


@pytest.mark.parametrize("name", ["m.parquet.gz", "m.doc", "m.gz", "mcsv"])
def test_what_is_called_otherwise_is_no_manifest(tmp_path, name):
    (tmp_path / name).write_bytes(b"path\na.jpg\n")
    with pytest.raises(InputError, match="other inputs end in one of"):
        rows(tmp_path / name)


def test_the_root_of_a_packed_manifest_is_its_folder():
    assert root_of("s3://bucket/set/m.csv.gz") == root_of("s3://bucket/set/") == "s3://bucket/set"
