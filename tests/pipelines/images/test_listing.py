import os
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from pipelines.errors import InputError, UsageError
from pipelines.images.listing import list_images
from pipelines.images.splits import split_of


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 7)


def rows(location: Path, **options: str) -> list[tuple[str, str | None, str]]:
    return [(ref.image_id, ref.label, ref.split) for ref in list_images(str(location), **options)]


def test_split_label_image(tmp_path):
    touch(tmp_path, "test/dog/2.jpg", "train/cat/1.PNG", "train/cat/notes.txt", ".git/x/y.jpg")
    assert rows(tmp_path) == [
        ("test/dog/2.jpg", "dog", "test"),
        ("train/cat/1.PNG", "cat", "train"),
    ]
    ref = list_images(str(tmp_path))[0]
    assert ref.bytes == 7
    assert Path(ref.uri).samefile(tmp_path / "test/dog/2.jpg")
    assert ref.modified == (tmp_path / "test/dog/2.jpg").stat().st_mtime_ns // 1000


def test_label_image_gets_a_split_from_its_id(tmp_path):
    names = [f"cat/{i}.jpg" for i in range(300)]
    touch(tmp_path, *names)
    by_id = {name: split for name, _, split in rows(tmp_path)}
    assert by_id == {name: split_of(name, "cat") for name in names}
    counts = {split: list(by_id.values()).count(split) for split in set(by_id.values())}
    assert counts == {"train": 236, "validation": 31, "test": 33}


def test_a_flat_folder_is_unlabelled(tmp_path):
    touch(tmp_path, "b.jpg", "a.jpg")
    assert rows(tmp_path) == [("a.jpg", None, "unlabelled"), ("b.jpg", None, "unlabelled")]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["train/cat/1.jpg", "stray.jpg"],
            r"different depths \('stray.jpg' and 'train/cat/1.jpg'\)",
        ),
        (["a/b/c/1.jpg"], "too deep"),
        (["train/1.jpg", "test/2.jpg"], "no label folders"),
        (["notes.txt"], "no images in"),
    ],
)
def test_a_folder_that_cannot_be_understood(tmp_path, names, message):
    touch(tmp_path, *names)
    with pytest.raises(InputError, match=message):
        list_images(str(tmp_path))


@pytest.mark.parametrize("where", ["nowhere", "images.txt", "ftp://host/x"])
def test_a_place_that_is_no_input(tmp_path, where):
    (tmp_path / "images.txt").write_text("x")
    with pytest.raises(
        UsageError, match=r"no folder or manifest|a manifest ends|stores are s3:// and gs://"
    ):
        list_images(where if "://" in where else str(tmp_path / where))


def test_a_name_that_is_not_utf8_keeps_its_file(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    (ref,) = list_images(str(tmp_path))
    assert ref.image_id == r"caf\xe9.jpg"
    assert Path(ref.uri).read_bytes() == b"x"


def test_a_csv_manifest(tmp_path):
    touch(tmp_path, "a.jpg", "sub/b.jpg")
    manifest = tmp_path / "m.csv"
    manifest.write_bytes(
        b"\xef\xbb\xbfpath,label,split,extra\r\n"
        b'a.jpg,"cat, or\ndog",train,1\r\n'
        b"sub/b.jpg,,,2\r\n"
        b"missing.jpg,NA,test,3\r\n"
    )
    assert rows(manifest) == [
        ("a.jpg", "cat, or\ndog", "train"),
        ("missing.jpg", "NA", "test"),
        ("sub/b.jpg", None, "unlabelled"),
    ]


def test_json_lines_and_parquet_manifests_say_the_same(tmp_path):
    touch(tmp_path, "a.jpg")
    (tmp_path / "m.jsonl").write_text('{"path": "a.jpg", "id": "x", "label": "cat"}\n')
    table = pa.table({"path": ["a.jpg"], "id": ["x"], "label": ["cat"]})
    parquet.write_table(table, tmp_path / "m.parquet")
    expected = [("x", "cat", split_of("x", "cat"))]
    assert rows(tmp_path / "m.jsonl") == rows(tmp_path / "m.parquet") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na.jpg,cat\n", "no column 'path'"),
        ("path,id\na.jpg,1\nb.jpg,1\n", "repeats the id '1'"),
        ("path\na.jpg\na.jpg\n", "repeats the id 'a.jpg'"),
        ("path,label\n,cat\n", "row 1 of .* has no path"),
        ("path\n../outside.jpg\n", "outside"),
        ("path\n/etc/hostname\n", "outside"),
        ("path,label\na.jpg\n", "cannot read"),
        ("", "cannot read"),
    ],
)
def test_a_manifest_that_contradicts_itself(tmp_path, text, message):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        list_images(str(tmp_path / "m.csv"))


def test_a_root_above_the_manifest_allows_what_lies_below_it(tmp_path):
    touch(tmp_path, "images/a.jpg", "lists/m.csv")
    (tmp_path / "lists/m.csv").write_text("path\nimages/a.jpg\n")
    assert rows(tmp_path / "lists/m.csv", root=str(tmp_path))[0][0] == "images/a.jpg"


def test_a_link_out_of_the_root_is_outside(tmp_path):
    touch(tmp_path, "secret.jpg", "root/x.txt")
    (tmp_path / "root/link.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "root/m.csv").write_text("path\nlink.jpg\n")
    with pytest.raises(InputError, match="outside"):
        list_images(str(tmp_path / "root/m.csv"))


def test_a_link_that_loops_costs_nothing(tmp_path):
    touch(tmp_path, "train/cat/1.jpg")
    (tmp_path / "train/loop").symlink_to(tmp_path / "train/loop")
    (tmp_path / "train/cat/up").symlink_to(tmp_path)
    assert [row[0] for row in rows(tmp_path)] == ["train/cat/1.jpg"]


def test_two_names_that_become_one_id_are_refused(tmp_path):
    touch(tmp_path, os.fsdecode(b"a\xff.jpg"), r"a\xff.jpg")
    with pytest.raises(InputError, match=r"two files of .* have the id"):
        list_images(str(tmp_path))


def test_a_parquet_column_whose_text_is_not_utf_8_is_named(tmp_path):
    """Parquet's writers need not check what they call a string, and its reader does not either."""
    data = b"\xff.png"
    ends = pa.array([0, len(data)], pa.int32()).buffers()[1]
    path = pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(data)])
    parquet.write_table(pa.table({"path": path}), tmp_path / "m.parquet")
    with pytest.raises(InputError, match="column 'path' of the manifest is no text"):
        list_images(str(tmp_path / "m.parquet"), None)
