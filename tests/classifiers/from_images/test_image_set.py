"""Images held in memory come as a plain loop would give them."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from classifiers.data.images import labelled
from classifiers.data.memory import MemoryBudget
from classifiers.from_images.image_set import EpochPlan, hold_images, require_room
from pipelines.contract import Augmentation
from pipelines.errors import InputError, TableError, UsageError
from pipelines.images.augmentation import augment
from pipelines.images.listing import list_images
from pipelines.images.loading import load_image
from tests.classifiers.from_images.conftest import CLASSES, PIXELS

POLICY = Augmentation(seed=5)


def plain_pixels(dataset):
    """The training images by id, as Keras loads them."""
    from keras.utils import img_to_array, load_img

    paths = sorted((dataset / "train").glob("*/*.png"))
    loaded = [load_img(p, target_size=(32, 32), interpolation="bilinear") for p in paths]
    ids = [str(path.relative_to(dataset)) for path in paths]
    return dict(zip(ids, map(img_to_array, loaded), strict=True))


@pytest.mark.parametrize("augmentation", [None, POLICY])
def test_epochs_are_those_of_a_plain_loop(dataset, image_sets, augmentation):
    images, plan = image_sets["train"], EpochPlan(7, 3, augmentation)
    loaded = plain_pixels(dataset)
    assert list(images.ids) == list(loaded)
    seen = []
    for epoch in (1, 2):
        batches = list(plan.batches(images, epoch))
        assert [len(targets) for _, targets in batches] == [7] * 6 + [6]
        order = np.random.default_rng([3, epoch]).permutation(len(loaded))
        assert sorted(order) == list(range(48))
        ids = [images.ids[place] for place in order]
        wanted = [loaded[image_id] for image_id in ids]
        if augmentation is not None:
            wanted = [
                augment(pixels.astype(np.uint8), augmentation, image_id, epoch)
                for pixels, image_id in zip(wanted, ids, strict=True)
            ]
        found = np.concatenate([pixels for pixels, _ in batches])
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.stack(wanted))
        targets = np.concatenate([targets for _, targets in batches])
        assert targets.tolist() == ["light" in image_id for image_id in ids]
        seen.append(ids)
    assert seen[0] != seen[1]


def test_an_epoch_sees_the_copies_that_a_table_would_hold(dataset, image_sets):
    plan = EpochPlan(48, 0, POLICY)
    refs = {ref.image_id: ref for ref in list_images(str(dataset)) if ref.split == "train"}
    for epoch in (1, 4):
        ((pixels, _),) = plan.batches(image_sets["train"], epoch)
        order = np.random.default_rng([0, epoch]).permutation(48)
        for row, place in zip(pixels[:5], order[:5], strict=True):
            ref = replace(refs[image_sets["train"].ids[place]], copy=epoch)
            copy = load_image(ref, replace(PIXELS, augmentation=POLICY))
            np.testing.assert_array_equal(row, copy.pixels)


def test_augmenting_leaves_the_images_as_they_are(image_sets):
    before = image_sets["train"].pixels.tobytes()
    list(EpochPlan(7, 0, POLICY).batches(image_sets["train"], 1))
    assert image_sets["train"].pixels.tobytes() == before


def test_what_is_measured_comes_in_order(dataset, image_sets):
    batches = list(image_sets["train"].batches())
    assert [len(targets) for _, targets in batches] == [32, 16]
    found = np.concatenate([pixels for pixels, _ in batches])
    np.testing.assert_array_equal(found, np.stack(list(plain_pixels(dataset).values())))


@pytest.fixture
def damaged(dataset, tmp_path):
    shutil.copytree(dataset / "train", tmp_path / "images/train")
    for name in ("dark003", "dark007"):
        (tmp_path / f"images/train/dark/{name}.png").write_bytes(b"no image")
    return tmp_path / "images"


def test_an_image_that_cannot_be_used_is_left_out_and_told(damaged, image_sets, capsys):
    found = hold_images(labelled(list_images(str(damaged)), "train", CLASSES), PIXELS)
    kept = [not image_id.endswith(("dark003.png", "dark007.png")) for image_id in found.ids]
    assert all(kept)
    whole = image_sets["train"]
    chosen = [place for place, image_id in enumerate(whole.ids) if image_id in found.ids]
    assert len(chosen) == len(found.ids) == 46
    np.testing.assert_array_equal(found.pixels, whole.pixels[chosen])
    np.testing.assert_array_equal(found.targets, whole.targets[chosen])
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "train: left out, because it cannot be used: train/dark/dark003.png "
        "(not a JPEG, PNG, GIF, BMP, TIFF, WEBP or PPM image), and 1 more"
    )


def test_a_class_of_which_nothing_is_left_is_named(damaged):
    for path in (damaged / "train/dark").iterdir():
        path.write_bytes(b"no image")
    part = labelled(list_images(str(damaged)), "train", CLASSES)
    with pytest.raises(InputError, match=r"class 'dark' in split 'train' .*dark000\.png \(not a "):
        hold_images(part, PIXELS)


def test_splits_and_classes_must_be_there(dataset):
    refs = list_images(str(dataset))
    with pytest.raises(InputError, match="'dev', there are test, train, validation"):
        labelled(refs, "dev", CLASSES)
    with pytest.raises(TableError, match="no image of split 'train' is of a class"):
        labelled(refs, "train", ("bright", "dim"))


def test_images_of_other_classes_are_left_out_and_told(dataset, capsys):
    part = labelled(list_images(str(dataset)), "train", ("dark", "dim"))
    assert {ref.label for ref in part.refs} == {"dark"}
    assert "images of 1 classes without an image to train on: light" in capsys.readouterr().err


def test_images_that_do_not_fit_into_memory_are_refused(dataset, capsys):
    part = labelled(list_images(str(dataset)), "train", CLASSES)
    needed = 48 * 32 * 32 * 3
    require_room([part], 32, MemoryBudget(needed, "--memory"))
    assert "48 images of 32 x 32 take 147 kB of memory" in capsys.readouterr().err
    with pytest.raises(UsageError, match=r"147 kB .* and 147 kB \(--memory\) are allowed; raise"):
        require_room([part], 32, MemoryBudget(needed - 1, "--memory"))
