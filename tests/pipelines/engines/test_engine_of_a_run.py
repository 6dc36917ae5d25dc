"""The engine that an extraction chooses: what it says of it, keeps of it, and stores by it."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.bases import WeightsRequest
from pipelines.contract import Contract
from pipelines.driver import extract
from pipelines.engines import choosing, opening
from pipelines.engines.race_results import Choice
from pipelines.engines.request import Computation
from pipelines.engines.trial import largest_error
from pipelines.errors import UsageError
from pipelines.extract import main
from pipelines.table.feature_table import FeatureTable


@pytest.fixture(autouse=True)
def _no_engine_is_open(monkeypatch):
    monkeypatch.setattr(opening, "_engines", {})
    monkeypatch.setattr(opening, "_bases", {})


def record_of(table: Path) -> dict:
    return FeatureTable.open(str(table)).history()[0]["run"]


@pytest.mark.acceptance
@pytest.mark.parametrize("engine", ["openvino", "ncnn"])
def test_a_table_of_another_engine_is_equal_within_the_bound(
    engine, dataset, table, make_job, tmp_path
):
    report = extract(make_job(dataset, tmp_path / "features", engine=engine, shard_rows=16))
    assert report.engine == engine
    columns = ["image_id", "copy", "label", "split", "sha256"]
    rows = [
        FeatureTable.open(str(where)).dataset().to_table().sort_by("image_id")
        for where in (table, tmp_path / "features")
    ]
    assert rows[0].select(columns).equals(rows[1].select(columns))
    one, other = (np.stack(each["features"].to_numpy()) for each in rows)
    assert largest_error(other, one) <= 1e-4
    assert not np.array_equal(one, other) or engine == "openvino"


@pytest.mark.acceptance
def test_auto_races_on_real_images_and_keeps_what_it_saw(
    dataset, make_job, tmp_path, monkeypatch, capsys
):
    job = make_job(dataset, tmp_path / "features")
    monkeypatch.setattr(choosing, "RACE_FROM", 10)
    report = extract(job)
    said = capsys.readouterr().err
    assert "the engines race on 64 of the images" in said
    assert f"engine {report.engine}, the fastest of a race: " in said
    record = record_of(tmp_path / "features")
    assert record["engine"] == report.engine
    assert [t["engine"] for t in record["choice"]["trials"]] == ["keras", "openvino", "ncnn"]
    assert all(
        t["images_per_second"] > 0 and t["error"] <= 1e-4 for t in record["choice"]["trials"]
    )
    extract(replace(job, table=str(tmp_path / "again")))
    assert "the fastest of an earlier race" in capsys.readouterr().err


@pytest.mark.acceptance
def test_copies_are_raced_by_their_images(dataset, make_job, tmp_path, monkeypatch, capsys):
    raced = []

    def keras_wins(_request, images, _lived):
        raced.append(images)
        return Choice("keras", "the fastest of a race")

    monkeypatch.setattr(choosing, "RACE_FROM", 10)
    monkeypatch.setattr(choosing, "race", keras_wins)
    assert extract(make_job(dataset, tmp_path / "features", copies=1)).counts["copies"] == 48
    assert "the engines race on 64 of the images" in capsys.readouterr().err
    ids = sorted(str(path.relative_to(dataset)) for path in dataset.rglob("*.png"))
    with_copies = [each for each in ids for _ in range(1 + each.startswith("train/"))]
    places = np.linspace(0, len(with_copies) - 1, 64).astype(int)
    images = [Image.open(dataset / with_copies[place]) for place in places]
    plain = [np.asarray(each.resize((32, 32), Image.Resampling.BILINEAR)) for each in images]
    np.testing.assert_array_equal(raced[0], np.stack(plain))


def test_few_images_are_not_worth_a_race(dataset, make_job, tmp_path, capsys):
    assert extract(make_job(dataset, tmp_path / "features")).engine == "keras"
    assert "88 images are too few for one" in capsys.readouterr().err


@pytest.mark.acceptance
def test_a_cached_conversion_needs_no_keras(dataset, tmp_path):
    """A second run, in a process of its own, imports neither Keras nor a backend of it."""
    options = ["--input", str(dataset), "--weights", "random:1", "--image_size", "32"]
    command = ["--engine", "ncnn", *options, "--table"]
    assert main([*command, str(tmp_path / "first")]) == 0
    code = (
        "import sys; from pipelines.extract import main; status = main(sys.argv[1:]);"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'openvino'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    command = [sys.executable, "-c", code, *command, str(tmp_path / "second")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    rows = [
        FeatureTable.open(str(tmp_path / name)).dataset().to_table().sort_by("image_id")
        for name in ("first", "second")
    ]
    assert rows[0].equals(rows[1])


def test_a_base_that_an_engine_cannot_run_is_refused_in_one_line(dataset, tmp_path, capsys):
    where = ["--input", str(dataset), "--table", str(tmp_path / "features")]
    what = ["--base", "MobileNetV2", "--weights", "random", "--image_size", "32"]
    status = main([*where, *what, "--engine", "ncnn"])
    assert status == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: the ncnn engine cannot run MobileNetV2: no chain holds")
    assert last.endswith("--engine names another one")
    assert not (tmp_path / "features").exists()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"interpolation": "psychic"}, "interpolation 'psychic'; this version knows nearest"),
        ({"orientation": ""}, "orientation ''; this version knows ignored"),
        ({"preprocessing": "none"}, "preprocessing 'none'"),
        ({"pooling": "sum"}, "pooling 'sum'; this version knows none, avg, max"),
        ({"compute_dtype": "int4"}, "compute_dtype 'int4'"),
        ({"compute_dtype": "int8"}, "int8 and a quantised base belong together"),
        ({"base": "VGG17"}, "no base 'VGG17'"),
        ({"image_size": 0}, "image_size 0; VGG16 takes 32 to"),
        ({"image_size": 2**70}, "image_size 1180591620717411303424; VGG16 takes"),
    ],
)
def test_a_contract_that_somebody_else_wrote_opens_no_engine(values, said):
    contract = Contract(
        **{"base": "VGG16", "weights": "0" * 64, "image_size": 32, "interpolation": "bilinear"},
        **{"orientation": "ignored", "preprocessing": "imagenet", "layer": "block5_pool"},
        **{"pooling": "none", "compute_dtype": "float32", "precision": "float32"},
    )
    for name in ("keras", "ncnn"):
        asked = Computation(replace(contract, **values), WeightsRequest("random"), 1, None)
        with pytest.raises(UsageError, match=re.escape(said)):
            opening.open_engine(asked.by(name))
