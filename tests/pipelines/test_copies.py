"""Augmented copies in the table: those of a plain loop, only what is missing, of one split."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import describe, forget, tidy, verify
from pipelines.augmentation import Augmentation, augment
from pipelines.bases import BASES, cut, preprocess
from pipelines.copies import rows_wanted
from pipelines.driver import extract
from pipelines.errors import ContractMismatchError
from pipelines.extract import main
from pipelines.planning import cut_parts
from pipelines.records import ImageRef, copy_of, image_of, is_copy, row_name
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from pipelines.weights import WeightsRequest, load_base
from tests.conftest import write_image
from tests.pipelines.test_increments import content
from tests.pipelines.test_takeover import die_before_commit

CHEAP = ["--weights", "random:1", "--image_size", "32"]


@pytest.fixture
def images(dataset, tmp_path):
    """Eight images of each class to train on and four to validate."""
    for split, count in (("train", 8), ("validation", 4)):
        for label in ("dark", "light"):
            folder = tmp_path / "images" / split / label
            folder.mkdir(parents=True)
            for path in sorted((dataset / split / label).iterdir())[:count]:
                shutil.copy(path, folder)
    return tmp_path / "images"


@pytest.fixture
def job(images, make_job, tmp_path):
    return make_job(images, tmp_path / "features", shard_rows=16, engine="keras", copies=2)


def names(table) -> set[tuple[str, int]]:
    rows = content(table)
    return set(zip(rows["image_id"].to_pylist(), rows["copy"].to_pylist(), strict=True))


def one_run(job, tmp_path, **changes):
    """What one run over the input as it is now makes of a new table."""
    extract(replace(job, table=str(tmp_path / "fresh"), **changes))
    return content(tmp_path / "fresh")


@given(image_id=st.text(st.characters(exclude_characters="\0")), copy=st.integers(0, 10_000))
def test_a_name_tells_image_and_copy(image_id, copy):
    name = row_name(image_id, copy)
    assert (image_of(name), copy_of(name), is_copy(name)) == (image_id, copy, copy > 0)
    assert ImageRef(image_id, "", None, "", 0, 0, 0, copy).name == name


def test_copies_are_what_a_plain_loop_makes(job, images):
    report = extract(job)
    assert (report.counts["inputs"], report.counts["copies"]) == (16 + 8 + 32, 32)
    rows = content(job.table)
    loaded = load_base(BASES["VGG16"], 32, WeightsRequest("random", seed=1))
    model = cut(loaded.model, "block5_pool", "none")
    expected = {}
    for path in sorted(images.rglob("*.png")):
        image_id = str(path.relative_to(images))
        pixels = np.asarray(
            keras.utils.load_img(path, target_size=(32, 32), interpolation="bilinear")
        )
        versions = [pixels]
        if image_id.startswith("train/"):
            versions += [augment(pixels, Augmentation(), image_id, copy) for copy in (1, 2)]
        for copy, version in enumerate(versions):
            prepared = preprocess(BASES["VGG16"], "imagenet", version[None].astype(np.float32))
            expected[image_id, copy] = model.predict(prepared, verbose=0).reshape(-1)
    assert names(job.table) == expected.keys()
    for image_id, copy, values in zip(
        rows["image_id"].to_pylist(), rows["copy"].to_pylist(), rows["features"], strict=True
    ):
        np.testing.assert_allclose(
            values.values.to_numpy(), expected[image_id, copy], rtol=1e-4, atol=1e-4
        )


def test_more_copies_extract_only_the_new_ones(job, tmp_path):
    extract(job)
    report = extract(replace(job, copies=4))
    assert (report.attempted, report.counts["written"], report.counts["present"]) == (32, 32, 56)
    assert content(job.table).equals(one_run(job, tmp_path, copies=4))
    # Asked for fewer, or for none, a table keeps what it has.
    for fewer in (2, 0):
        assert extract(replace(job, copies=fewer)).attempted == 0
        assert content(job.table).num_rows == 16 * 5 + 8


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


def test_copies_of_another_policy_are_refused_and_the_table_s_need_not_be_named(job):
    extract(replace(job, augmentation={"zoom": 0.5, "seed": 3}))
    version = FeatureTable.open(job.table).version
    with pytest.raises(ContractMismatchError, match=r"zoom: 0\.5 in the table, 0\.1 in these"):
        extract(replace(job, copies=3, augmentation={"zoom": 0.1}))
    assert FeatureTable.open(job.table).version == version
    assert extract(replace(job, copies=3)).attempted == 16
    assert extract(replace(job, copies=4, augmentation={"seed": 3})).attempted == 16
    assert FeatureTable.open(job.table).augmentation == Augmentation(zoom=0.5, seed=3)


def test_a_changed_image_takes_its_copies_along(job, images, tmp_path):
    extract(job)
    extract(replace(job, copies=3))  # one image's copies lie in several files
    write_image(images / "train/dark/dark003.png", seed=77)
    report = extract(replace(job, copies=0))
    assert (report.attempted, report.counts["replaced"]) == (4, 4)
    assert content(job.table).equals(one_run(job, tmp_path, copies=3))


def test_an_image_that_is_gone_is_gone_with_its_copies(job, images, tmp_path):
    extract(job)
    (images / "train/dark/dark003.png").unlink()
    report = extract(job)
    assert (report.counts["vanished"], report.counts["pruned"]) == (3, 0)
    assert extract(replace(job, prune=True)).counts["pruned"] == 3
    assert content(job.table).equals(one_run(job, tmp_path))


def test_images_that_leave_the_training_split_lose_their_copies(images, make_job, tmp_path):
    def listed(split: str) -> None:
        lines = ["path,label,split"]
        for path in sorted((images / "train").rglob("*.png")):
            of = split if path.name == "dark003.png" else "train"
            lines.append(f"{path.relative_to(images)},{path.parent.name},{of}")
        manifest.write_text("\n".join(lines))

    manifest = images / "list.csv"
    job = make_job(manifest, tmp_path / "features", shard_rows=16, copies=2, engine="keras")
    listed("train")
    extract(job)
    listed("test")
    report = extract(job)
    assert (report.attempted, report.counts["relabelled"], report.counts["stray"]) == (0, 1, 2)
    assert content(job.table).equals(one_run(job, tmp_path))
    rows = content(job.table)
    assert set(rows.filter(pc.equal(rows["split"], "test"))["copy"].to_pylist()) == {0}
    listed("train")
    report = extract(job)
    # The older version's file still holds its copies, so that the base need not make them again.
    assert (report.attempted, report.counts["written"], report.counts["relabelled"]) == (0, 2, 1)
    shutil.rmtree(tmp_path / "fresh")
    assert content(job.table).equals(one_run(job, tmp_path))


def test_a_relabelled_image_takes_its_copies_along(job, images, tmp_path):
    manifest = images / "list.csv"
    paths = sorted(path.relative_to(images) for path in (images / "train").rglob("*.png"))

    def listed(label: str) -> None:
        lines = [f"{path},{label if path.name == 'dark003.png' else 'plain'}" for path in paths]
        manifest.write_text("\n".join(["path,label", *lines]))

    listed("plain")
    job = replace(job, input=str(manifest))
    extract(job)
    extract(replace(job, copies=3))
    listed("odd")
    of = {r for r in names(job.table) if "dark003" in r[0]}
    assert extract(job).counts["relabelled"] == len(of)
    assert content(job.table).equals(one_run(job, tmp_path, copies=3))


def test_a_dead_run_s_copies_are_taken_over_if_they_are_of_the_same_policy(
    job, tmp_path, monkeypatch
):
    die_before_commit(job, monkeypatch)
    assert extract(job).attempted == 0
    assert content(job.table).equals(one_run(job, tmp_path))
    shutil.rmtree(job.table)
    die_before_commit(replace(job, augmentation={"zoom": 0.5}), monkeypatch)
    assert extract(job).attempted == 32  # the images themselves are the same
    assert content(job.table).equals(content(tmp_path / "fresh"))


def test_an_unusable_image_is_one_failure_however_many_copies_it_has(job, images):
    (images / "train/dark/broken.png").write_bytes(b"no image")
    report = extract(job)
    assert report.counts["new_failures"] == 3
    assert [f.ref.image_id for f in report.failures] == ["train/dark/broken.png"]
    assert read_failures(job.table).num_rows == 1
    report = extract(job)
    assert (report.attempted, report.counts["known_failures"]) == (0, 3)


def test_parts_hold_an_image_with_all_its_copies(job, tmp_path):
    extract(replace(job, commit_every=5))
    table = FeatureTable.open(job.table)
    assert table.version == 5  # 24 images
    for version in range(1, 6):
        of = FeatureTable.open(job.table, version).keys()
        copies = dict.fromkeys(of["image_id"].to_pylist(), 0)
        for image_id in of["image_id"].to_pylist():
            copies[image_id] += 1
        assert set(copies.values()) <= {1, 3}
        assert all((count == 3) == name.startswith("train/") for name, count in copies.items())
    assert content(job.table).equals(one_run(job, tmp_path))


@given(images=st.integers(1, 30), copies=st.integers(0, 3), most=st.integers(1, 12))
def test_no_image_is_cut_by_a_part(images, copies, most):
    refs = {f"{n:03d}": ImageRef(f"{n:03d}", "", None, "train", 1, 0, 0) for n in range(images)}
    rows = list(rows_wanted(refs, copies, Augmentation(), {}).values())
    assert len(rows) == images * (1 + copies)
    parts = cut_parts(rows, most)
    assert sorted(r.name for part in parts for r in part) == sorted(r.name for r in rows)
    for part in parts:
        ids = [ref.image_id for ref in part]
        assert len(ids) == (1 + copies) * len(set(ids))
        assert len(set(ids)) <= most


def test_verify_knows_copies_and_finds_a_wrong_one(job, images, tmp_path, capsys):
    extract(job)
    result = tmp_path / "result.json"
    command = ["--table", job.table, "--input", str(images), "--sample", "all"]
    command += ["--weights", "random:1", "--json", str(result)]
    assert verify.main(command) == 0
    assert json.loads(result.read_text())["features"] == 56
    # A policy that is not the one they were made by: every copy is off, no image is.
    table = FeatureTable.open(job.table)
    other = Augmentation(seed=5).canonical_json()
    table.delta.alter.set_table_properties(
        {"frozen_features.augmentation": other}, raise_if_not_exists=False
    )
    assert verify.main(command) == 1
    findings = json.loads(result.read_text())["findings"]
    assert {f["where"].partition(" (copy")[0] for f in findings} == {
        str(p.relative_to(images)) for p in (images / "train").rglob("*.png")
    }
    assert all("(copy" in f["where"] for f in findings)


def test_tidying_and_forgetting_know_copies(job, images, tmp_path):
    extract(job)
    extract(replace(job, copies=3))
    before = content(job.table)
    assert tidy.main(["--table", job.table]) == 0
    assert content(job.table).equals(before)
    assert forget.main(["--table", job.table, "--image_id", "train/dark/dark003.png"]) == 0
    assert names(job.table) == {
        row
        for row in zip(before["image_id"].to_pylist(), before["copy"].to_pylist(), strict=True)
        if row[0] != "train/dark/dark003.png"
    }
    assert extract(replace(job, copies=4)).attempted == 5 + 15


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--zoom", "0.1"], "--zoom says how copies are made; --augment K how many"),
        (["--augment", "2", "--zoom", "1"], "'1' is not a number from 0 and below 1"),
        (["--augment", "2", "--rotation", "x"], "'x' is not a number from 0 to 180"),
        (["--augment", "2", "--augment_split", "test"], "name a split to train on"),
        (["--augment", "2", "--horizontal_flip", "yes"], "neither true nor false"),
        (["--augment", "-1"], "'-1' is not a whole number"),
        (["--augment", "1", "--fill", "grey"], "invalid choice: 'grey'"),
    ],
)
def test_mistakes_are_told_in_one_line(images, tmp_path, capsys, options, said):
    table = tmp_path / "features"
    assert main(["--input", str(images), "--table", str(table), *CHEAP, *options]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1
    assert not Path(table).exists()


def test_the_command_says_how_many_copies(images, tmp_path, capsys):
    command = ["--input", str(images), "--table", str(tmp_path / "features"), *CHEAP]
    assert main([*command, "--engine", "keras", "--augment", "1", "--zoom", "0.1"]) == 0
    shown = capsys.readouterr()
    assert "24 images and 16 copies: 40 to extract" in shown.err
    assert "augmented copies  16" in shown.out
