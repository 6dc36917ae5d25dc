"""drift on photographs: silent on halves of one set, loud on another class and on poor JPEGs."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from classifiers.drifting.comparing import compare
from classifiers.drifting.side import read_side
from pipelines.bases.weights_request import WeightsRequest
from pipelines.driver import extract
from pipelines.table.feature_table import FeatureTable
from tests.conftest import TINY

pytestmark = pytest.mark.acceptance

OF_CLASS = 40


@pytest.fixture(scope="module")
def sides(photographs, imagenet_weights, make_job, tmp_path_factory):
    """80 photographs as they are, and the same as JPEGs of quality 20."""
    root = tmp_path_factory.mktemp("poor")
    for label in ("cats", "dogs"):
        for side in ("good", "poor"):
            (root / side / "test" / label).mkdir(parents=True)
        for path in sorted((photographs / "test" / label).iterdir())[:OF_CLASS]:
            shutil.copy(path, root / "good" / "test" / label)
            poor = root / "poor" / "test" / label / path.name
            Image.open(path).convert("RGB").save(poor, quality=20)
    weights = WeightsRequest("file", path=str(imagenet_weights))
    choice = replace(TINY, weights=weights, image_size=150)
    for side in ("good", "poor"):
        extract(make_job(root / side, root / f"{side} table", features=choice, engine="ncnn"))
    tables = [FeatureTable.open(str(root / f"{side} table")) for side in ("good", "poor")]
    return [read_side(table, "test", "--split") for table in tables]


def test_poor_jpegs_of_the_same_photographs_drift(sides):
    report = compare(*sides, 0.05, 999, 5, 0)
    assert report.shared == 2 * OF_CLASS
    assert report.alarms == ("drift", "classes")
    assert report.drifted_classes == ("cats", "dogs")
    assert report.classifier.statistic > 0.65


def test_dogs_are_not_what_cats_were(sides):
    good, _ = sides
    cats, dogs = (good.only(np.flatnonzero(good.labels == label)) for label in ("cats", "dogs"))
    assert "drift" in compare(cats, dogs, 0.05, 999, 5, 0).alarms


def test_random_halves_raise_few_alarms(sides):
    good, _ = sides
    raised = 0
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(good.ids))
        halves = (good.only(np.sort(half)) for half in np.split(order, 2))
        raised += "drift" in compare(*halves, 0.05, 199, 5, seed).alarms
    assert raised <= 3
