"""choose as a user runs it, with a base of random weights on small pictures."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from classifiers import choose
from classifiers.data.pooled import pool
from pipelines.engines.keras_engine import KerasEngine
from pipelines.engines.opening import open_base
from pipelines.planning.job import make_contract
from tests.conftest import TINY

OPTIONS = ["--weights", "random:1", "--image_sizes", "32", "--engine", "keras", "--C", "1e-3,1"]


def run(input, *more):
    return choose.main(["--input", str(input), *OPTIONS, *map(str, more)])


def test_what_was_tried_is_told_kept_and_drawn(dataset, tmp_path, capsys):
    out, result = tmp_path / "out", tmp_path / "result.json"
    tried = ["--layers", "block2_pool,last", "--poolings", "none,avg", "--sample", 30, "--folds", 3]
    money = ["--images", 3_600_000, "--price_per_hour", 2]
    assert run(dataset, *tried, *money, "--output", out, "--json", result) == 0
    said = json.loads(result.read_text())
    lengths = {(t["layer"], t["pooling"]): t["features"] for t in said["trials"]}
    assert lengths == {
        ("block2_pool", "none"): 8 * 8 * 128,
        ("block2_pool", "avg"): 128,
        ("block5_pool", "none"): 512,
        ("block5_pool", "avg"): 512,
    }
    for trial in said["trials"]:
        assert trial["hours"] == pytest.approx(1000 / trial["images_per_second"])
        assert trial["price"] == pytest.approx(2 * trial["hours"])
        assert 0 <= trial["low"] <= trial["accuracy"] <= trial["high"] <= 1
        both = 1 / trial["base_per_second"] + 1 / trial["decoded_per_second"]
        assert trial["images_per_second"] == pytest.approx(1 / both)
    best, advised = said["best"], said["advised"]
    assert best["accuracy"] == max(t["accuracy"] for t in said["trials"])
    assert advised["accuracy"] >= best["accuracy"] - best["error"]
    with (out / "choose.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["accuracy"]) for row in rows] == [t["accuracy"] for t in said["trials"]]
    assert (out / "choose.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    layer = f"--layer {advised['layer']} --pooling {advised['pooling']}"
    assert said["command"] in printed
    assert said["command"].endswith(f"--base VGG16 --image_size 32 {layer}")
    assert said["images"] == 30


@pytest.mark.parametrize("pooling", ["none", "avg", "max"])
def test_pooled_maps_are_what_the_pooled_base_gives(pooling):
    choice = replace(TINY, layer="block3_pool")
    model = open_base("VGG16", 32, TINY.weights).model
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    whole = KerasEngine(model, make_contract(choice), 2)
    wanted = KerasEngine(model, make_contract(replace(choice, pooling=pooling)), 2).extract(images)
    found = pool(whole.extract(images), whole.feature_shape, pooling)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("more", "said", "status"),
    [
        (["--bases", "VGG"], "VGG", 2),
        (["--layers", "block9"], "no layer 'block9' in VGG16", 2),
        (["--poolings", "avg,mean"], "no pooling 'mean', there are none, avg, max", 2),
        (["--price_per_hour", 1], "--price_per_hour wants --images", 2),
        (["--split", "trian"], "no image of split 'trian'", 2),
        (["--folds", 40], "fewer than --folds 40", 2),
        (["--memory", "1K"], "nothing is left to be tried; raise --memory", 2),
        (["--image_sizes", 16], "takes images of at least 32 pixels", 2),
    ],
)
def test_mistakes_get_one_line(more, said, status, dataset, capsys):
    assert run(dataset, "--sample", 12, "--folds", 2, *more) == status
    error = capsys.readouterr().err
    assert said in error.splitlines()[-1]
    assert "Traceback" not in error


def test_an_image_that_cannot_be_read_is_left_out(dataset, tmp_path, capsys):
    for split in ("train",):
        for label in ("dark", "light"):
            folder = tmp_path / "images" / split / label
            folder.mkdir(parents=True)
            for each in sorted((dataset / split / label).iterdir())[:4]:
                (folder / each.name).write_bytes(each.read_bytes())
    (tmp_path / "images" / "train" / "dark" / "broken.png").write_bytes(b"no picture")
    assert run(tmp_path / "images", "--folds", 2) == 0
    printed = capsys.readouterr()
    assert "on 8 images" in printed.out
    assert "1 of the images drawn cannot be used: train/dark/broken.png" in printed.err
