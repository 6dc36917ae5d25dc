"""Folders and manifests as people have them: what cannot be meant, or is half of it, is said.

Each layout is one that somebody asked about in public, of a data set that many people have.
"""

import pytest

from pipelines.driver import extract
from pipelines.errors import InputError
from pipelines.images.listing import list_images
from pipelines.images.splits import split_meant
from tests.conftest import write_image


@pytest.mark.parametrize(
    ("meant", "names"),
    [
        ("train", ["train", "Training", "train_set", "training_set", "Train Data", "train1"]),
        ("validation", ["val", "valid", "VALIDATION", "val2017", "dev-set", "eval_images"]),
        ("test", ["test", "Testing", "test_images", "test1", "holdout"]),
        (None, ["cats", "trains", "valley", "contest", "device", "dev board", "7", "dataset", ""]),
    ],
)
def test_names_that_are_a_split_s(meant, names):
    assert {name: split_meant(name) for name in names} == dict.fromkeys(names, meant)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["train1/cat.0.jpg", "test1/1.jpg"], "inside of 'test1' and 'train1', which are names of"),
        (["Train_Data/0.jpg"], "inside of 'Train_Data', which is the name of a split and not"),
        (["a/b/cats/cat.1.jpg", "a/c/cats/cat.1.jpg"], r"lie deep .*name a folder further down"),
    ],
)
def test_folders_that_cannot_be_meant(tmp_path, names, said):
    for name in names:
        write_image(tmp_path / name, 0)
    with pytest.raises(InputError, match=said):
        list_images(str(tmp_path))


def test_one_folder_too_high_is_told(tmp_path, capsys):
    write_image(tmp_path / "PetImages/Cat/0.jpg", 0)
    write_image(tmp_path / "PetImages/Dog/0.jpg", 1)
    assert {ref.split for ref in list_images(str(tmp_path))} == {"PetImages"}
    assert f"; without splits, name {tmp_path}/PetImages" in capsys.readouterr().err


def test_a_manifest_among_the_images_is_named(tmp_path, capsys):
    write_image(tmp_path / "cats/0.jpg", 0)
    (tmp_path / "cats/labels.csv").write_text("file_name,label\n0.jpg,cat\n")
    (tmp_path / "cats/notes.txt").write_text("")
    assert len(list_images(str(tmp_path))) == 1
    said = capsys.readouterr().err
    assert "a manifest is read when --input names it: cats/labels.csv\n" in said


def test_ids_without_a_column_of_files(tmp_path):
    (tmp_path / "labels.csv").write_text(",id,breed\n0,boston-1,boston_bull\n")
    with pytest.raises(InputError, match="has '', 'id', 'breed'; --path_column names the one with"):
        list_images(str(tmp_path / "labels.csv"))


@pytest.mark.parametrize(("suffix", "says"), [(".jpg", "ends in .jpg"), (".JPG", "--input_root")])
def test_ids_instead_of_files(tmp_path, make_job, suffix, says):
    write_image(tmp_path / f"train/boston-1{suffix}", 0)
    (tmp_path / "train/labels.csv").write_text("path,label\nboston-1,boston_bull\n")
    with pytest.raises(InputError, match=rf"none of the 1 images .*{says}"):
        extract(make_job(tmp_path / "train/labels.csv", tmp_path / "table"))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["Abyssinian_1.jpg", "beagle_1.jpg"], "no image has a label; a training needs them"),
        (["images/Abyssinian_1.jpg", "images/beagle_1.jpg"], "the only label is 'images'"),
        (["cats/1.jpg", "dogs/1.jpg"], None),
    ],
)
def test_labels_that_are_too_few_are_told_before_the_work(tmp_path, make_job, names, said, capsys):
    for number, name in enumerate(names):
        write_image(tmp_path / "set" / name, number)
    extract(make_job(tmp_path / "set", tmp_path / "table"))
    err = capsys.readouterr().err
    assert said in err if said else "label" not in err
