"""Augmented copies in the table: those of a plain loop, only what is missing, of one policy."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from pipelines import describe
from pipelines.bases import BASES, WeightsRequest, cut, load_base, preprocess
from pipelines.contract import Augmentation
from pipelines.driver import extract
from pipelines.errors import ContractMismatchError
from pipelines.images.augmentation import augment
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from tests.pipelines.planning.copies.rows import names, one_run
from tests.pipelines.test_increments import content


def test_copies_are_what_a_plain_loop_makes(job, images):
    report = extract(job)
    assert (report.counts["inputs"], report.counts["copies"]) == (16 + 8 + 32, 32)
    rows = content(job.table)
    loaded = load_base(BASES["VGG16"], 32, WeightsRequest("random", seed=1))
    model = cut(loaded.model, "block5_pool", "none")
    pictures = {}
    for path in sorted(images.rglob("*.png")):
        image_id = str(path.relative_to(images))
        pixels = np.asarray(
            keras.utils.load_img(path, target_size=(32, 32), interpolation="bilinear")
        )
        versions = [pixels]
        if image_id.startswith("train/"):
            versions += [augment(pixels, Augmentation(), image_id, copy) for copy in (1, 2)]
        pictures |= {(image_id, copy): version for copy, version in enumerate(versions)}
    batch = np.stack(list(pictures.values())).astype(np.float32)
    features = model.predict(preprocess(BASES["VGG16"], "imagenet", batch), verbose=0)
    expected = dict(zip(pictures, features.reshape(len(batch), -1), strict=True))
    assert names(job.table) == expected.keys()
    for image_id, copy, values in zip(
        rows["image_id"].to_pylist(), rows["copy"].to_pylist(), rows["features"], strict=True
    ):
        np.testing.assert_allclose(
            values.values.to_numpy(), expected[image_id, copy], rtol=1e-4, atol=1e-4
        )


@pytest.mark.acceptance
def test_more_copies_extract_only_the_new_ones(job, tmp_path):
    extract(job)
    report = extract(replace(job, copies=4))
    assert (report.attempted, report.counts["written"], report.counts["present"]) == (32, 32, 56)
    assert content(job.table).equals(one_run(job, tmp_path, copies=4))
    # Asked for fewer, or for none, a table keeps what it has.
    for fewer in (2, 0):
        assert extract(replace(job, copies=fewer)).attempted == 0
        assert content(job.table).num_rows == 16 * 5 + 8


@pytest.mark.acceptance
def test_a_table_without_copies_gets_its_first_ones(job, tmp_path, capsys):
    extract(replace(job, copies=0))
    table = FeatureTable.open(job.table)
    assert table.augmentation is None
    report = extract(replace(job, augmentation={"rotation": 10.0}))
    assert (report.attempted, report.version) == (32, table.version + 2)
    table = FeatureTable.open(job.table)
    assert table.augmentation == Augmentation(rotation=10.0)
    assert content(job.table).equals(one_run(job, tmp_path, augmentation={"rotation": 10.0}))
    # The version in between holds what was there before.
    assert FeatureTable.open(job.table, report.version - 1).keys().num_rows == 24
    capsys.readouterr()
    assert describe.main(["--table", job.table]) == 0
    shown = capsys.readouterr().out
    assert "rotation 10.0" in shown
    assert "train       dark     24       8" in shown


@pytest.mark.acceptance
def test_copies_of_another_policy_are_refused_and_the_table_s_need_not_be_named(job):
    extract(replace(job, augmentation={"zoom": 0.5, "seed": 3}))
    version = FeatureTable.open(job.table).version
    with pytest.raises(ContractMismatchError, match=r"zoom: 0\.5 in the table, 0\.1 in these"):
        extract(replace(job, copies=3, augmentation={"zoom": 0.1}))
    assert FeatureTable.open(job.table).version == version
    assert extract(replace(job, copies=3)).attempted == 16
    assert extract(replace(job, copies=4, augmentation={"seed": 3})).attempted == 16
    assert FeatureTable.open(job.table).augmentation == Augmentation(zoom=0.5, seed=3)


def test_an_unusable_image_is_one_failure_however_many_copies_it_has(job, images):
    (images / "train/dark/broken.png").write_bytes(b"no image")
    report = extract(job)
    assert report.counts["new_failures"] == 3
    assert [f.ref.image_id for f in report.failures] == ["train/dark/broken.png"]
    assert read_failures(job.table).num_rows == 1
    report = extract(job)
    assert (report.attempted, report.counts["known_failures"]) == (0, 3)
