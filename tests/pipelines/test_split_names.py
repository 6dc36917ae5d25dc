"""Tables of a time when an input's own names of splits were kept: they follow, and lose nothing."""

import numpy as np
import pytest

from pipelines.driver import extract
from pipelines.images import arranging, manifest, plain_columns
from pipelines.planning import copies, preparing
from pipelines.table.feature_table import FeatureTable
from tests.conftest import base_forbidden, write_image


@pytest.fixture
def images(tmp_path):
    for place, name in enumerate(["Training/cat/0", "Training/dog/1", "val/cat/2", "fold 3/dog/3"]):
        write_image(tmp_path / f"images/{name}.png", seed=place)
    return tmp_path / "images"


def as_before(monkeypatch):
    for module in (arranging, manifest, plain_columns, copies, preparing):
        monkeypatch.setattr(module, "split_named", lambda name: name)


def held(table):
    rows = FeatureTable.open(str(table)).dataset().to_table()
    found = zip(*(rows[name].to_pylist() for name in ("image_id", "copy", "split")), strict=True)
    features = np.stack([np.asarray(each, np.float32) for each in rows["features"].to_pylist()])
    return dict(zip(found, features, strict=True))


@pytest.mark.parametrize("copied", [0, pytest.param(2, marks=pytest.mark.acceptance)])
def test_the_rows_of_other_names_move_to_ours_once(
    images, make_job, tmp_path, monkeypatch, capsys, copied
):
    table = tmp_path / "features"
    job = make_job(images, table, copies=copied, augmentation={"split": "Training"})
    with monkeypatch.context() as patch:
        as_before(patch)
        extract(job)
    before = held(table)
    assert {split for _, _, split in before} == {"Training", "val", "fold 3"}
    capsys.readouterr()
    with base_forbidden(monkeypatch):
        report = extract(make_job(images, table))
    assert report.counts["relabelled"] == 3 + 2 * copied
    assert report.counts["written"] == 0
    said = capsys.readouterr().err
    assert "'Training' is taken for 'train', 'val' is taken for 'validation'" in said
    ours = {"Training": "train", "val": "validation"}
    after = held(table)
    assert after.keys() == {(name, copy, ours.get(split, split)) for name, copy, split in before}
    for (name, copy, split), features in before.items():
        assert np.array_equal(after[name, copy, ours.get(split, split)], features)
    with base_forbidden(monkeypatch):
        again = extract(make_job(images, table))
    assert (again.version, again.counts["relabelled"]) == (report.version, 0)


def test_a_table_whose_policy_has_another_name_gets_more_copies(
    images, make_job, tmp_path, monkeypatch
):
    table = tmp_path / "features"
    with monkeypatch.context() as patch:
        as_before(patch)
        extract(make_job(images, table, copies=1, augmentation={"split": "Training"}))
    extract(make_job(images, table, copies=2))
    copied = {key for key in held(table) if key[1]}
    names = ("Training/cat/0.png", "Training/dog/1.png")
    assert copied == {(name, number, "train") for name in names for number in (1, 2)}
