"""What folders and names say of images, and the line that decides where they say two things."""

import pytest

from pipelines.cli import Parser
from pipelines.errors import InputError, UsageError
from pipelines.images.layout import LabelsFrom, Layout
from pipelines.images.layout_options import add_layout_options, layout_of
from pipelines.images.listing import list_images
from pipelines.images.splits import split_meant, split_named, split_of
from pipelines.stores.objects import ObjectStat

KAGGLE = [*(f"train/{kind}.{n}.jpg" for kind in ("cat", "dog") for n in range(2)), "test1/1.jpg"]


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def from_option(text):
    return Layout(labels_from=LabelsFrom.parse(text))


def rows(location, option=None):
    layout = Layout() if option is None else from_option(option)
    refs = list_images(str(location), None, layout)
    return [(ref.image_id, ref.label, ref.split) for ref in refs]


@pytest.mark.parametrize(
    ("called", "meant"),
    [
        *[(name, "train") for name in ("train", "Train", "TRAINING", "training", "train_set")],
        *[(name, "validation") for name in ("val", "Valid", "val2017", "DEV", "eval-images")],
        *[(name, "test") for name in ("test", "Testing", "holdout", " TEST ")],
        *[(name, None) for name in ("unlabelled", "fold0", "cats", "extra", "")],
    ],
)
def test_a_split_by_any_of_its_names(called, meant):
    assert split_named(called) == (meant or called)
    assert split_meant(called) == meant


@pytest.mark.parametrize("name", ["train1", "Test 2", "val_2017_3", "dev05"])
def test_a_number_that_is_no_year_keeps_a_split_apart(name):
    """Parts of a cross-validation are called so; for a label it is taken as little as others."""
    assert split_named(name) == name
    assert split_meant(name) is not None


def test_a_split_s_folder_that_holds_itself(tmp_path):
    touch(tmp_path, "training_set/training_set/cats/1.jpg", "test_set/test_set/dogs/2.jpg")
    assert rows(tmp_path) == [
        ("test_set/test_set/dogs/2.jpg", "dogs", "test"),
        ("training_set/training_set/cats/1.jpg", "cats", "train"),
    ]


def test_splits_in_other_words_are_ours_and_that_is_said_once(tmp_path, capsys):
    names = ["Training/cat/1.jpg", "Training/dog/2.jpg", "val/cat/3.jpg", "Validation/cat/4.jpg"]
    touch(tmp_path, *names, "test/dog/5.jpg")
    assert rows(tmp_path) == [
        ("Training/cat/1.jpg", "cat", "train"),
        ("Training/dog/2.jpg", "dog", "train"),
        ("Validation/cat/4.jpg", "cat", "validation"),
        ("test/dog/5.jpg", "dog", "test"),
        ("val/cat/3.jpg", "cat", "validation"),
    ]
    assert capsys.readouterr().err == (
        f"of the splits of {tmp_path}, 'Training' is taken for 'train', 'Validation' is taken for "
        "'validation', 'val' is taken for 'validation'\n"
    )


def test_a_manifest_s_splits_are_ours_too(tmp_path, capsys):
    (tmp_path / "m.csv").write_text("path,label,split\na.jpg,cat,Dev\nb.jpg,cat,fold 3\nc.jpg,x,\n")
    found = [split for _, _, split in rows(tmp_path / "m.csv")]
    assert found == ["validation", "fold 3", split_of("c.jpg", "x")]
    assert capsys.readouterr().err.count("'Dev' is taken for 'validation'\n") == 1


def test_below_splits_a_label_s_folder_may_hold_folders(tmp_path):
    touch(tmp_path, "train/cat/1.jpg", "train/cat/a/b/2.jpg", "VAL/dog/c/3.jpg")
    assert rows(tmp_path) == [
        ("VAL/dog/c/3.jpg", "dog", "validation"),
        ("train/cat/1.jpg", "cat", "train"),
        ("train/cat/a/b/2.jpg", "cat", "train"),
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train/cat/1.jpg", "extra/cat/a/2.jpg"], "lie at different depths"),
        (["train/cat/1.jpg", "test/2.jpg"], "lie at different depths"),
        (["a/b/c/1.jpg", "a/c/d/2.jpg"], "lie deep"),
        (["train/val/1.jpg"], "right inside of 'val'"),
        (["cat/test/1.jpg"], "right inside of 'test'"),
        (KAGGLE, "right inside of 'test1' and 'train'"),
    ],
)
def test_what_may_be_meant_in_two_ways_is_refused_with_what_decides(tmp_path, names, message):
    touch(tmp_path, *names)
    with pytest.raises(InputError, match=f"{message}.*; --labels_from says where the label stands"):
        rows(tmp_path)


@pytest.mark.parametrize(
    ("option", "path", "label", "split"),
    [
        ("folder", "cat/deep/er/1.jpg", "cat", None),
        ("folder", "Val/cat/deep/1.jpg", "cat", "validation"),
        ("folder", "cat/test/1.jpg", "cat", "test"),
        ("folder", "data/train/cat/x/1.jpg", "cat", "train"),
        ("parent", "2024/may/cat/1.jpg", "cat", None),
        ("parent", "training/2024/cat/1.jpg", "cat", "train"),
        ("none", "train/cat/1.jpg", None, "train"),
        ("none", "cat/1.jpg", None, "unlabelled"),
        ("filename:^[a-z]+", "train/cat.0.jpg", "cat", "train"),
        (r"filename:_(\w+)\.", "x/IMG_dog.jpg", "dog", None),
        (r"filename:(?:a|b)_(?P<label>[A-Z])", "b_Q.jpg", "Q", None),
    ],
)
def test_where_labels_stand_can_be_said(tmp_path, option, path, label, split):
    touch(tmp_path / "set", path)
    wanted = [(path, label, split or split_of(path, label))]
    assert rows(tmp_path / "set", option) == wanted
    (tmp_path / "set/list.txt").write_text(f"{path}\n")
    assert rows(tmp_path / "set/list.txt", option) == wanted


def test_the_names_of_kaggle_s_cats_and_dogs(tmp_path, capsys):
    touch(tmp_path, *KAGGLE)
    found = rows(tmp_path, "filename:^[a-z]+(?=[.])")
    assert [(label, split) for _, label, split in found] == [
        (None, "test1"),
        *[("cat", "train")] * 2,
        *[("dog", "train")] * 2,
    ]
    said = capsys.readouterr().err
    assert "1 of 5 images of" in said
    assert "have no label where --labels_from filename:^[a-z]+(?=[.]) looks for it" in said


def test_a_test_set_beside_labelled_folders(tmp_path, capsys):
    touch(tmp_path, "train/cat/1.jpg", "test/2.jpg")
    assert rows(tmp_path, "folder") == [
        ("test/2.jpg", None, "test"),
        ("train/cat/1.jpg", "cat", "train"),
    ]
    assert "1 of 2 images of" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["folder", "parent", "filename:^x"])
def test_an_option_that_finds_no_label_is_refused(tmp_path, option):
    touch(tmp_path, "train/1.jpg", "test/2.jpg")
    with pytest.raises(InputError, match=r"no image of .* has a label where --labels_from"):
        rows(tmp_path, option)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--labels_from", "folders"], "'folders' is none of folder, parent, none"),
        (["--labels_from", "filename:"], "'filename:' is none of"),
        (["--labels_from", "filename:["], "is no regular expression"),
        (["--labels_from", "parent:x"], "'parent:x' is none of"),
        (["--labels_from", "none", "--label_column", "x"], "both say where labels stand"),
    ],
)
def test_options_that_say_nothing(argv, message):
    parser = Parser()
    add_layout_options(parser)
    with pytest.raises(UsageError, match=message):
        layout_of(parser.parse_args(argv))


def test_a_prefix_is_understood_as_a_folder_is(monkeypatch):
    page = [ObjectStat(f"in/{name}", 7, 0) for name in KAGGLE]
    monkeypatch.setattr("pipelines.images.prefix.list_objects", lambda _: iter([page]))
    monkeypatch.setattr("pipelines.images.at_location.is_delta_table", lambda _: False)
    monkeypatch.setattr("pipelines.images.at_location.require_store", lambda _: None)
    refs = list_images("s3://b/in", None, from_option("filename:^[a-z]+"))
    assert sorted({(str(ref.label), ref.split) for ref in refs}) == [
        ("None", "test1"),
        ("cat", "train"),
        ("dog", "train"),
    ]


def test_columns_of_a_folder_of_images_have_no_meaning(tmp_path):
    touch(tmp_path, "cat/1.jpg")
    with pytest.raises(InputError, match="--group_column is for files that name images"):
        list_images(str(tmp_path), None, Layout(columns={"group": "patient"}))
