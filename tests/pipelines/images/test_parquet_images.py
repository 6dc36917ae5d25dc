"""Images in a column of Parquet and Arrow files: which they are, and reading them."""

import json

import pyarrow as pa
import pytest

from pipelines.errors import InputError
from pipelines.images.layout import LabelsFrom, Layout
from pipelines.images.listing import list_images
from pipelines.images.splits import split_of
from pipelines.stores.reading import read_bytes
from tests.columns import SPARK_IMAGE, binary_file, hugging_face, write

PLACES = ["x.parquet", "x.arrow", "x.feather"]


def listed(location, **columns):
    refs = list_images(str(location), layout=Layout(columns=columns))
    return {ref.image_id: (ref.label, ref.split, read_bytes(ref.uri)) for ref in refs}


@pytest.mark.parametrize("name", PLACES)
def test_hugging_faces_structs_and_class_names(tmp_path, name):
    images = [(f"{number}.jpg", b"%d" % number) for number in range(10)]
    table = hugging_face(images, [0, 1] * 4 + [-1, 0], ["cat", "dog"])
    assert listed(write(table, tmp_path / name)) == {
        path: (label, split_of(path, label), content)
        for (path, content), label in zip(images, ["cat", "dog"] * 4 + [None, "cat"], strict=True)
    }


@pytest.mark.parametrize("name", PLACES)
def test_sparks_binary_files(tmp_path, name):
    images = {f"file:/in/{number}.jpg": b"x" * number for number in range(1, 10)}
    table = binary_file(images).append_column("label", pa.array(["a", "b", "c"] * 3))
    write(table, tmp_path / name)
    assert {image_id: row[2] for image_id, row in listed(tmp_path / name).items()} == images
    refs = list_images(str(tmp_path / name))
    assert [ref.bytes for ref in refs] == [*range(1, 10)]
    assert [ref.label for ref in refs] == ["a", "b", "c"] * 3


@pytest.mark.parametrize("name", PLACES)
def test_plain_bytes_and_columns_that_are_named(tmp_path, name):
    table = pa.table(
        {
            "jpeg": pa.array([b"a", b"b", b"c"], pa.large_binary()),
            "key": ["1", "2", "3"],
            "what": pa.array(["x", "y", "x"]).dictionary_encode(),
            "part": ["train", "test", " "],
        }
    )
    path = write(table, tmp_path / name, 2)
    assert listed(path, id="key", label="what", split="part") == {
        "1": ("x", "train", b"a"),
        "2": ("y", "test", b"b"),
        "3": ("x", split_of("3", "x"), b"c"),
    }
    assert listed(path, path="jpeg") == {
        f"{name}/{row:09d}": (None, "unlabelled", content)
        for row, content in enumerate([b"a", b"b", b"c"])
    }
    with pytest.raises(InputError, match="no column 'sort', which --label_column names; it has j"):
        listed(path, label="sort")


def test_an_id_that_repeats_gives_way_to_file_and_row(tmp_path, capsys):
    one = hugging_face([("0.jpg", b"a"), ("1.jpg", b"b")], [0, 1], ["cat", "dog"])
    other = hugging_face([("0.jpg", b"c"), (None, b"d")], [1, 1], ["cat", "dog"])
    write(one, tmp_path / "data/train-00000-of-00001.parquet")
    write(other, tmp_path / "data/test-00000-of-00001.parquet")
    assert listed(tmp_path) == {
        "data/test-00000-of-00001.parquet/000000000": ("dog", "test", b"c"),
        "data/test-00000-of-00001.parquet/000000001": ("dog", "test", b"d"),
        "data/train-00000-of-00001.parquet/000000000": ("cat", "train", b"a"),
        "data/train-00000-of-00001.parquet/000000001": ("dog", "train", b"b"),
    }
    said = capsys.readouterr().err
    assert "image.path does not tell all images apart" in said
    assert "splits by the names of the files: test, train" in said
    assert "are not read" not in said


def test_rows_without_bytes_cost_themselves(tmp_path):
    images = [("0.jpg", b"a"), ("1.jpg", None), ("2.jpg", b"c")]
    refs = list_images(str(write(hugging_face(images, [0, 0, 0], ["cat"]), tmp_path / "x.parquet")))
    assert [read_bytes(refs[number].uri) for number in (0, 2)] == [b"a", b"c"]
    with pytest.raises(OSError, match=r"row 1 of .*x\.parquet holds no image in column 'image"):
        read_bytes(refs[1].uri)


@pytest.mark.parametrize(
    ("columns", "images"),
    [
        ({"path": pa.string(), "md5": pa.binary()}, False),
        ({"path": pa.string(), "image": pa.binary()}, False),
        ({"filename": pa.string(), "md5": pa.binary()}, False),
        ({"filename": pa.string(), "image": pa.binary()}, True),
        ({"image": pa.string()}, False),
        ({"embedding": pa.binary(), "image": pa.binary()}, True),
        ({"path": pa.string(), "image": pa.struct([pa.field("bytes", pa.binary())])}, True),
    ],
)
def test_a_manifest_of_paths_stays_one(tmp_path, columns, images):
    """Told apart by the schema; what is a manifest is read or refused as one."""
    (tmp_path / "a.jpg").touch()
    values = {
        name: pa.array([{"bytes": b"x"}] if pa.types.is_struct(kind) else ["a.jpg"], kind)
        for name, kind in columns.items()
    }
    write(pa.table(values), tmp_path / "m.parquet")
    try:
        (ref,) = list_images(str(tmp_path / "m.parquet"))
    except InputError as error:
        found = str(error)
    else:
        found = ref.uri
    assert found.startswith("parquet:") if images else "a.jpg" in found or "'path'" in found


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"a": [b"x"], "b": [b"x"]}), "has images in columns 'a' and 'b'; --path_column"),
        (hugging_face([("a", b"x")], [7], ["cat"]), r"row 0 of x.arrow is of class 7; it has 1"),
        (pa.table({"n": [1]}), "x.arrow has no column of images, it has n; --path_column names"),
        (
            pa.table({"i": [b"x"]}).replace_schema_metadata({"huggingface": "{"}),
            "in its schema's metadata, cannot be read",
        ),
        (pa.table({"i": [b"x"], "label": [{"a": 1}]}), "column 'label' of .* is no text"),
        (pa.table({"i": [b"x"], "label": [[["a"]]]}), "column 'label' of .* is no text"),
        (pa.table({"i": [b"x"], "split": [["a"]]}), "column 'split' of .* is no text"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path, table, said):
    write(table, tmp_path / "x.arrow")
    with pytest.raises(InputError, match=said):
        list_images(str(tmp_path / "x.arrow"))


def test_odd_metadata_of_columns_means_nothing(tmp_path):
    for features in ([], {"label": 1}, {"label": {"_type": "Value"}}):
        said = json.dumps({"info": {"features": features}})
        table = pa.table({"image": [b"x"], "label": [3]})
        write(table.replace_schema_metadata({"huggingface": said}), tmp_path / "x.parquet")
        assert [row[0] for row in listed(tmp_path / "x.parquet").values()] == ["3"]


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_that_spark_decoded_keep_their_pixels(tmp_path, name, channels):
    import io

    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    shape = (4, 5, channels)
    pixels = [random.integers(0, 256, shape, np.uint8) for _ in range(3)]
    rows = [
        {
            **{"origin": f"file:/{number}.png", "height": 4, "width": 5, "nChannels": channels},
            **{"mode": {1: 0, 3: 16, 4: 24}[channels], "data": each.tobytes()},
        }
        for number, each in enumerate(pixels)
    ]
    undecoded = {"origin": "file:/3.png", "height": -1, "width": -1, "nChannels": -1}
    column = pa.array([*rows, {**undecoded, "mode": -1, "data": b""}], SPARK_IMAGE)
    refs = list_images(str(write(pa.table({"image": column}), tmp_path / name, 2)))
    assert [ref.image_id for ref in refs] == [f"file:/{number}.png" for number in range(4)]
    for ref, each in zip(refs, pixels, strict=False):
        found = Image.open(io.BytesIO(read_bytes(ref.uri))).convert("RGB")
        blue_first = each[..., :3][..., ::-1] if channels > 1 else np.repeat(each, 3, axis=2)
        assert np.array_equal(np.asarray(found), blue_first)
    with pytest.raises(OSError, match=r"row 3 of .* holds no image"):
        read_bytes(refs[3].uri)


def test_our_own_tables_and_hidden_files_are_passed_over(tmp_path):
    table = pa.table({"image": [b"x"]})
    write(table, tmp_path / "a.parquet")
    write(table, tmp_path / "_temporary/b.parquet")
    write(table, tmp_path / ".c.parquet")
    write(table, tmp_path / "features/data/d.parquet")
    (tmp_path / "features/_delta_log").mkdir()
    assert [*listed(tmp_path)] == ["a.parquet/000000000"]


def test_binary_files_as_spark_writes_them(tmp_path):
    """Times of 96 bits, a file a task with a marker beside them, Spark's schema in the footer."""
    from pyarrow import parquet

    images = {f"s3a://in/{number}.jpg": b"x" * number for number in range(1, 7)}
    said = {"org.apache.spark.sql.parquet.row.metadata": '{"type":"struct","fields":[]}'}
    table = binary_file(images).replace_schema_metadata(said)
    (tmp_path / "_SUCCESS").touch()
    for task in range(2):
        parquet.write_table(
            table.slice(3 * task, 3),
            tmp_path / f"part-0000{task}-c000.snappy.parquet",
            use_deprecated_int96_timestamps=True,
            store_schema=False,
        )
    assert {image_id: row[2] for image_id, row in listed(tmp_path).items()} == images


@pytest.mark.parametrize("name", PLACES)
def test_splits_and_labels_are_understood_as_a_manifest_s_are(tmp_path, name, capsys):
    table = pa.table(
        {
            "image": pa.array([b"a", b"b", b"c"], pa.binary()),
            "id": ["1", "2", "3"],
            "label": [1.0, 3e15, float("nan")],
            "split": ["val", "Training", "fold 7"],
        }
    )
    found = listed(write(table, tmp_path / name))
    assert [row[:2] for row in found.values()] == [
        ("1", "validation"),
        ("3000000000000000", "train"),
        (None, "fold 7"),
    ]
    assert "'val' is taken for 'validation'" in capsys.readouterr().err


def test_images_in_a_column_have_stratified_splits(tmp_path):
    images = [(f"{number}.jpg", b"%d" % number) for number in range(9)]
    path = write(hugging_face(images, [0, 1, 2] * 3, ["a", "b", "c"]), tmp_path / "x.parquet")
    refs = list_images(str(path), layout=Layout(split_by="stratified"))
    for label in "abc":
        splits = sorted(ref.split for ref in refs if ref.label == label)
        assert splits == ["test", "train", "validation"]


@pytest.mark.parametrize(
    ("name", "layout"), [("group", {}), ("patient", {"columns": {"group": "patient"}})]
)
def test_images_in_a_column_have_groups(tmp_path, name, layout):
    groups = [f"p{number // 3}" for number in range(30)]
    groups[29] = " "
    table = hugging_face(
        [(f"{number:02d}.jpg", b"%d" % number) for number in range(30)], [0] * 30, ["a"]
    )
    path = write(table.append_column(name, pa.array(groups)), tmp_path / "x.parquet")
    refs = list_images(str(path), layout=Layout(**layout))
    assert [ref.group for ref in refs] == [*groups[:29], None]
    for ref in refs:
        assert ref.split == split_of(ref.image_id, ref.label, ref.group)
    assert len({(ref.group, ref.split) for ref in refs[:27]}) == 9
    assert len({ref.split for ref in refs}) > 1


@pytest.mark.parametrize(
    ("option", "labels"),
    [
        ("parent", ["cat", "cat", "dog"]),
        (r"filename:^(\w+)-", ["a", "a", "b"]),
        ("none", [None, None, None]),
    ],
)
def test_labels_of_images_in_a_column_are_read_off_their_paths(tmp_path, option, labels):
    names = ["train/cat/a-0.jpg", "train/cat/a-2.jpg", "val/dog/b-1.jpg"]
    table = hugging_face([(name, name.encode()) for name in names], [0, 0, 0], ["wrong"])
    path = write(table, tmp_path / "x.parquet")
    refs = list_images(str(path), layout=Layout(labels_from=LabelsFrom.parse(option)))
    assert [(ref.image_id, ref.label) for ref in refs] == list(zip(names, labels, strict=True))
    assert [ref.split for ref in refs] == ["train", "train", "validation"]


def test_labels_cannot_be_read_off_paths_that_are_not_there(tmp_path):
    path = write(pa.table({"image": pa.array([b"a"], pa.binary())}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match=r"no column of x\.parquet has them; --label_column names"):
        list_images(str(path), layout=Layout(labels_from=LabelsFrom.parse("parent")))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("repeated", ["image", "label", "split"])
def test_a_column_that_is_there_twice_is_refused(tmp_path, place, repeated):
    columns = {"image": pa.array([b"a"]), "label": pa.array(["cat"]), "split": pa.array(["train"])}
    names = [*columns, repeated, "other", "other"]
    arrays = [columns.get(name, pa.array(["x"])) for name in names]
    path = write(pa.Table.from_arrays(arrays, names=names), tmp_path / place)
    with pytest.raises(InputError, match=f"has 2 columns '{repeated}'; rename all but one"):
        list_images(str(path))


def test_a_column_of_no_meaning_may_be_there_twice(tmp_path):
    arrays = [pa.array([b"a"]), pa.array(["x"]), pa.array(["y"])]
    path = write(pa.Table.from_arrays(arrays, names=["image", "x", "x"]), tmp_path / "x.parquet")
    assert [ref.label for ref in list_images(str(path))] == [None]
