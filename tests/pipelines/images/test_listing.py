import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from pipelines.errors import InputError, UsageError
from pipelines.images.kinds import IMAGE_SUFFIXES
from pipelines.images.layout import Layout
from pipelines.images.listing import list_images, list_or_name
from pipelines.images.splits import split_of
from pipelines.stores.objects import ObjectStat
from tests.conftest import write_image


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 7)


def rows(location: Path, **options: Any) -> list[tuple[str, str | None, str]]:
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
        (["a/b/c/1.jpg"], r"lie deep .*; --labels_from says where"),
        (["train/1.jpg", "test/2.jpg"], "names of splits and not of labels"),
        (
            ["train/cat.0.jpg", "val/cat.1.jpg"],
            r"inside of 'train'.*--labels_from says.*filename:REGEX",
        ),
        (["Training/0.jpg", "cat/1.jpg"], "inside of 'Training'"),
        (["kaggle/train/cat.0.jpg"], r"inside of 'train'.*'kaggle/train/cat.0.jpg'"),
        (["notes.txt"], "no images in"),
    ],
)
def test_a_folder_that_cannot_be_understood(tmp_path, names, message):
    touch(tmp_path, *names)
    with pytest.raises(InputError, match=message):
        list_images(str(tmp_path))


@pytest.mark.parametrize("where", ["nowhere", "images.doc", "ftp://host/x"])
def test_a_place_that_is_no_input(tmp_path, where):
    (tmp_path / "images.doc").write_text("x")
    with pytest.raises(
        UsageError, match=r"no folder or manifest|other inputs end|stores are s3:// and gs://"
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


def test_what_is_passed_over_is_counted(tmp_path, capsys):
    touch(tmp_path, "train/cat/1.jpg", "train/cat/2.HEIC", "train/cat/3.heic", "train/dog/noise")
    touch(tmp_path, "train/dog/.hidden", "train/dog/4.avif", "notes.txt")
    assert len(rows(tmp_path)) == 1
    assert capsys.readouterr().err == (
        f"5 of 6 files of {tmp_path} are not read, by their suffix: "
        ".heic 2, no suffix 1, .avif 1, .txt 1\n"
    )


def test_a_table_and_a_model_in_the_input_are_passed_over_and_named(tmp_path, capsys):
    touch(tmp_path, "cat/1.jpg", "dog/2.jpg", "features/_delta_log/0.json", "features/3.jpg")
    touch(tmp_path, "models/dense/model.keras", "models/dense/curves.png")
    assert [name for name, _, _ in rows(tmp_path)] == ["cat/1.jpg", "dog/2.jpg"]
    said = capsys.readouterr().err
    assert said == f"not read in {tmp_path}: features (a table), models/dense (a model)\n"


def test_splits_that_are_named_as_none_usually_is_are_said_aloud(tmp_path, capsys):
    touch(tmp_path, "cats/phone/0.jpg", "dogs/kaggle/1.jpg")
    assert rows(tmp_path)[0] == ("cats/phone/0.jpg", "phone", "cats")
    said = capsys.readouterr().err
    assert f"of {tmp_path} the splits are cats, dogs, and the labels kaggle, phone" in said
    touch(tmp_path / "usual", "train/cat/0.jpg", "Val/cat/1.jpg")
    rows(tmp_path / "usual")
    assert "splits are" not in capsys.readouterr().err


def test_a_prefix_passes_over_what_a_folder_does(monkeypatch, capsys):
    keys = [
        *("in/cat/1.jpg", "in/cat/2.avif", "in/dog/", "in/.x/3.jpg", "in/t/_delta_log/0.json"),
        *("in/t/data/a.parquet", "in/t/5.jpg", "in/m/model.skops", "in/m/confusion.png"),
    ]
    page = [ObjectStat(key, 7, 0) for key in keys]
    monkeypatch.setattr("pipelines.images.prefix.list_objects", lambda _: iter([page]))
    monkeypatch.setattr("pipelines.images.at_location.is_delta_table", lambda _: False)
    monkeypatch.setattr("pipelines.images.at_location.require_store", lambda _: None)
    assert [ref.image_id for ref in list_images("s3://b/in")] == ["cat/1.jpg"]
    assert capsys.readouterr().err == (
        "1 of 2 files of s3://b/in are not read, by their suffix: .avif 1\n"
        "not read in s3://b/in: m (a model), t (a table)\n"
    )


def test_every_suffix_of_an_image_is_taken_in_any_case(tmp_path):
    names = sorted(f"cat/{i}{suffix}" for i, suffix in enumerate(sorted(IMAGE_SUFFIXES)))
    names += [f"cat/x{i}{each.upper()}" for i, each in enumerate(sorted(IMAGE_SUFFIXES))]
    touch(tmp_path, *names)
    assert [name for name, _, _ in rows(tmp_path)] == sorted(names)


def test_images_of_any_suffix_are_told_by_their_first_bytes(tmp_path, capsys):
    write_image(tmp_path / "cat/1.png", seed=1)
    for name in ("none", "odd.dat", "0a1b2c"):
        (tmp_path / "cat" / name).write_bytes((tmp_path / "cat/1.png").read_bytes())
    touch(tmp_path, "cat/notes.txt", "cat/.hidden", "README")
    os.mkfifo(tmp_path / "cat/pipe")
    (tmp_path / "cat/gone").symlink_to(tmp_path / "nowhere")
    found = rows(tmp_path, layout=Layout(any_suffix=True))
    # What cannot be looked into is taken, to become a failure that is listed.
    wanted = ["0a1b2c", "1.png", "gone", "none", "odd.dat", "pipe"]
    assert [name for name, _, _ in found] == [f"cat/{name}" for name in wanted]
    assert "2 of 8 files" in capsys.readouterr().err
    assert [name for name, _, _ in rows(tmp_path)] == ["cat/1.png"]


def test_objects_of_any_suffix_are_told_by_their_first_bytes(monkeypatch, capsys):
    starts = {"in/cat/1": b"\xff\xd8\xff\xe0", "in/cat/2.txt": b"text", "in/cat/3.jpg": b""}
    page = [ObjectStat(key, 7, 0) for key in starts]
    monkeypatch.setattr("pipelines.images.prefix.list_objects", lambda _: iter([page]))
    monkeypatch.setattr("pipelines.images.at_location.is_delta_table", lambda _: False)
    monkeypatch.setattr("pipelines.images.at_location.require_store", lambda _: None)

    def look(uri: str, start: int, count: int) -> bytes:
        assert (start, uri.endswith(".jpg")) == (0, False)
        return starts[uri.removeprefix("s3://b/")][:count]

    monkeypatch.setattr("pipelines.images.kinds.read_slice", look)
    refs = list_images("s3://b/in", None, Layout(any_suffix=True))
    assert sorted(ref.image_id for ref in refs) == ["cat/1", "cat/3.jpg"]
    assert "1 of 3 files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("in/*.jpg", ["in/a.jpg", "in/b.jpg"]),
        ("in/{c,a}.*[gG]", ["in/a.jpg", "in/c.PNG"]),
        ("in/?/*", ["in/d/e.webp"]),
        ("./in/[b].jpg", ["in/b.jpg"]),
    ],
)
def test_a_pattern_of_images_names_them_as_a_shell_would(tmp_path, monkeypatch, pattern, named):
    touch(tmp_path, "in/a.jpg", "in/b.jpg", "in/c.PNG", "in/d/e.webp", "in/notes.txt")
    monkeypatch.chdir(tmp_path)
    refs = list_or_name(pattern)
    assert [ref.image_id for ref in refs] == named
    assert [ref.uri for ref in refs] == [str(tmp_path / name) for name in named]
    assert {ref.label for ref in refs} == {None}
    whole = [ref.image_id for ref in list_or_name(str(tmp_path / pattern))]
    assert [os.path.normpath(name) for name in whole] == [str(tmp_path / name) for name in named]


def test_a_file_that_is_called_like_a_pattern_is_itself(tmp_path):
    touch(tmp_path, "[a].jpg", "a.jpg")
    name = str(tmp_path / "[a].jpg")
    assert [ref.image_id for ref in list_or_name(name)] == [name]


@pytest.mark.parametrize("listed", [list_images, list_or_name])
def test_a_pattern_of_images_and_others_is_refused(tmp_path, listed):
    touch(tmp_path, "a.tar.jpg", "b.jpg.tar")
    with pytest.raises(InputError, match=r"a\.tar\.jpg is one image; name the folder"):
        listed(str(tmp_path / "*.*"))


def test_a_pattern_of_images_takes_no_root(tmp_path):
    touch(tmp_path, "a.jpg")
    with pytest.raises(InputError, match=r"--input_root is for .*\*\.jpg is a pattern of images"):
        list_or_name(str(tmp_path / "*.jpg"), str(tmp_path))
    with pytest.raises(InputError, match=r"no file is named by .*\*\.png"):
        list_or_name(str(tmp_path / "*.png"))
