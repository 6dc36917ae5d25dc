"""What the commands know of copies: extract, verify, tidy and forget."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import forget, tidy, verify
from pipelines.contract import Augmentation
from pipelines.driver import extract
from pipelines.extract import main
from pipelines.table.feature_table import FeatureTable
from tests.conftest import write_image
from tests.pipelines.planning.copies.rows import names
from tests.pipelines.test_increments import content

CHEAP = ["--weights", "random:1", "--image_size", "32"]


@pytest.mark.acceptance
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


@pytest.mark.acceptance
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


def test_copies_of_a_split_that_the_input_lacks_are_a_mistake(images, tmp_path, capsys):
    where = ["--input", str(images), "--table", str(tmp_path / "features"), *CHEAP]
    assert main([*where, "--augment", "1", "--augment_split", "trian"]) == 2
    said = capsys.readouterr().err.strip()
    assert said.endswith("in split 'trian', and the input has none; it has train, validation")
    assert not (tmp_path / "features").exists()


@pytest.mark.acceptance
def test_a_run_that_names_no_copies_says_who_has_fewer(job, images, capsys):
    extract(job)
    for number in range(3):
        write_image(images / f"train/dark/new{number}.png", seed=number)
    write_image(images / "validation/dark/new.png", seed=9)
    capsys.readouterr()
    assert extract(replace(job, copies=0)).attempted == 4
    short = "3 images get fewer copies than others have; --augment 2 makes them alike"
    assert short in capsys.readouterr().err
    assert extract(job).attempted == 6
    assert "fewer copies" not in capsys.readouterr().err


def test_the_command_says_how_many_copies(images, tmp_path, capsys):
    command = ["--input", str(images), "--table", str(tmp_path / "features"), *CHEAP]
    assert main([*command, "--engine", "keras", "--augment", "1", "--zoom", "0.1"]) == 0
    shown = capsys.readouterr()
    assert "24 images and 16 copies: 40 to extract" in shown.err
    assert "augmented copies  16" in shown.out
