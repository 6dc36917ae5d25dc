"""Tables and models that an earlier build made open, resume, verify and predict."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from classifiers import evaluate, predict
from pipelines import describe, extract, verify
from pipelines.images import loading
from pipelines.table.failures import known_failures
from pipelines.table.feature_table import FeatureTable
from tests.conftest import ROOT, base_forbidden, write_image

MADE = ROOT / "tests" / "fixtures" / "f902a8d"

CONTRACT = "b74d5b4d29f1b5886f0ea45d76099923a4bd1b916fe7b39241e2f3a40348acf8"
KILLED_RUN = "20261126T232642263-ca27ced7"

HEADS = ["dense", "logistic", "softmax"]


@pytest.fixture
def older(tmp_path) -> Path:
    """A copy of what that build left, in another place than it was made in."""
    folder = tmp_path / "older"
    shutil.copytree(MADE, folder)
    # A failure is known by its file's time too, which a checkout does not keep.
    ((name, _, modified),) = known_failures(str(folder / "features"))
    os.utime(folder / "images" / name, ns=(modified * 1000, modified * 1000))
    return folder


def extract_from(older: Path) -> dict[str, object]:
    options = ["--weights", "random:1", "--image_size", "32", "--pooling", "avg"]
    options += ["--augment", "1", "--engine", "keras"]
    where = ["--input", str(older / "images"), "--table", str(older / "features")]
    assert extract.main([*where, *options, "--json", str(older / "run.json")]) == 0
    return json.loads((older / "run.json").read_text())


def test_the_table_opens_and_is_what_it_was(older, capsys):
    out = older / "described.json"
    assert describe.main(["--table", str(older / "features"), "--json", str(out)]) == 0
    described = json.loads(out.read_text())
    assert described["contract_id"] == CONTRACT
    table = FeatureTable.open(str(older / "features"))
    assert table.contract.contract_id == CONTRACT
    assert (table.version, table.augmentation.rotation) == (2, 40.0)
    keys = table.keys()
    assert (keys.num_rows, sum(keys.column("copy").to_pylist())) == (25, 9)
    assert len(set(keys.column("image_id").to_pylist())) == 16
    printed = capsys.readouterr().out
    assert "train/light/broken.png  decode  not an image that Pillow can read" in printed
    assert "photographer@photographs" in printed
    assert FeatureTable.open(str(older / "features"), 1).keys().num_rows == 22


def test_the_table_goes_on_with_what_is_new_and_with_the_work_of_a_killed_run(
    older, monkeypatch, capsys
):
    before = FeatureTable.open(str(older / "features")).paths
    write_image(older / "images/test/dark/new.png", seed=99)
    report = extract_from(older)
    assert report["attempted"] == 1
    assert (report["written"], report["present"], report["known_failures"]) == (4, 25, 2)
    assert (report["version"], report["contract_id"]) == (3, CONTRACT)
    after = FeatureTable.open(str(older / "features")).paths
    assert set(before) < set(after)
    assert sum(KILLED_RUN in path for path in set(after) - set(before)) == 2
    assert len(after) == len(before) + 3

    with base_forbidden(monkeypatch):
        report = extract_from(older)
    assert (report["version"], report["attempted"], report["written"]) == (3, 0, 0)

    capsys.readouterr()
    whole = ["--table", str(older / "features"), "--weights", "random:1", "--sample", "all"]
    assert verify.main([*whole, "--input", str(older / "images")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "rows held against the input 29 features extracted again 29 findings 0" in said


def test_its_table_says_no_root_so_that_no_image_is_opened_unasked(older, capsys, monkeypatch):
    monkeypatch.setattr(loading, "read_bytes", lambda uri: pytest.fail(f"{uri} was opened"))
    assert verify.main(["--table", str(older / "features"), "--weights", "random:1"]) == 3
    printed = capsys.readouterr().out
    assert "features: could not be checked: the table does not say, signed by this user" in printed
    assert "name the images with --input, or a folder that may be opened with --all" in printed


def test_an_image_that_differs_is_found_by_verify(older, capsys):
    """The features are compared with what the images give, not with nothing."""
    shutil.copy(older / "images/test/dark/dark0.png", older / "images/test/light/light1.png")
    whole = ["--table", str(older / "features"), "--weights", "random:1", "--sample", "all"]
    assert verify.main([*whole, "--input", str(older / "images")]) == 1
    assert "test/light/light1.png" in capsys.readouterr().out


@pytest.mark.parametrize("head", HEADS)
def test_the_models_predict_as_they_did(older, head):
    asked = ["--model", str(older / "models" / head), "--table", str(older / "features")]
    assert predict.main([*asked, "--output", str(older / "now.parquet")]) == 0
    now = pq.read_table(older / "now.parquet")
    then = pq.read_table(older / "predictions" / f"{head}.parquet")
    assert now.schema.equals(then.schema)
    numbers = [name for name in now.column_names if name.startswith(("score_", "probability"))]
    assert now.drop(numbers).equals(then.drop(numbers))
    assert len(set(now.column("predicted").to_pylist())) == 2
    for name in numbers:
        scores = [np.array(table.column(name).to_pylist()) for table in (now, then)]
        np.testing.assert_allclose(*scores, rtol=1e-3, atol=1e-5)

    assert evaluate.main([*asked, "--json", str(older / "now.json")]) == 0
    now, then = (
        json.loads(path.read_text())
        for path in (older / "now.json", older / "predictions" / f"{head}.json")
    )
    assert now["table"] == str(older / "features")
    for measured in (now, then):
        del measured["table"]
        measured["log_loss"] = pytest.approx(measured["log_loss"], rel=1e-3, abs=1e-5)
    assert {name: now[name] for name in then} == then  # there are more measures now


def test_a_model_of_features_is_asked_of_images(older):
    inputs = ["--input", str(older / "images"), "--weights", "random:1"]
    asked = ["--model", str(older / "models" / "logistic"), *inputs]
    assert predict.main([*asked, "--output", str(older / "now.parquet")]) == 0
    columns = ("image_id", "copy", "probability")
    now, then = (
        {
            row["image_id"]: row["probability"]
            for row in pq.read_table(path, columns=list(columns)).to_pylist()
            if row["copy"] == 0
        }
        for path in (older / "now.parquet", older / "predictions" / "logistic.parquet")
    )
    assert set(now) - set(then) == {
        *("train/dark/dark_dead.png", "train/light/broken.png", "validation/light/light_dead.png"),
    }
    assert {name: now[name] for name in then} == pytest.approx(then, rel=1e-3)
