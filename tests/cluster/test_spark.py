"""Spark reads the table through its log: schema, rows, features to the bit, older versions."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import classifiers
from pipelines.driver import extract
from pipelines.table.feature_table import FeatureTable
from tests.cluster.tools import absent, maven_jar, program
from tests.conftest import ROOT, TINY, write_dataset

pytestmark = pytest.mark.cluster

DELTA = "4.0.0"
"""Delta's jars for Spark 4.0, the newest that are to be had with its Python package."""

IMAGE = "train/light/light001.png"


@pytest.fixture(scope="module")
def spark_jars() -> str:
    program("java", "openjdk-17-jre-headless")
    if importlib.util.find_spec("pyspark") is None:
        absent("no pyspark here; pip install '.[cluster]'")
    names = ("delta-spark_2.13", "delta-storage")
    return ",".join(str(maven_jar("io.delta", name, DELTA)) for name in names)


@pytest.fixture(scope="module")
def table(make_job, tmp_path_factory) -> str:
    """VGG16 at 150 x 150, 8192 features; version 1 holds ten images, version 2 nine of them."""
    root = tmp_path_factory.mktemp("spark")
    images = write_dataset(root / "images", {"train": 3, "test": 2}, ("dark", "light"))
    features = replace(TINY, image_size=150)
    job = make_job(
        images, root / "features", features=features, engine="keras", shard_rows=4, prune=True
    )
    extract(job)
    (images / "test/dark/dark000.png").unlink()
    extract(job)
    return job.table


def test_spark_reads_the_table(table, spark_jars):
    arguments = [sys.executable, "-m", "tests.cluster.spark_reading", table, IMAGE, spark_jars]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    assert {field["name"]: field["type"] for field in seen["schema"]} == {
        "image_id": "string",
        "copy": "integer",
        "label": "string",
        "split": "string",
        "features": {"type": "array", "elementType": "float", "containsNull": False},
        "uri": "string",
        "sha256": "string",
        "bytes": "long",
        "modified": "timestamp",
        "width": "integer",
        "height": "integer",
    }
    for name, version in (("newest", 2), ("first", 1)):
        counted = FeatureTable.open(table, version).counts()
        assert [tuple(row) for row in seen["counts"][name]] == [row[:3] for row in counted]
    assert sum(row[2] for row in seen["counts"]["first"]) == 10
    assert sum(row[2] for row in seen["counts"]["newest"]) == 9
    samples = classifiers.load(table)
    expected = samples.features[list(samples.ids).index(IMAGE)]
    assert len(seen["features"]) == 8192
    np.testing.assert_array_equal(np.array(seen["features"], np.float32), expected)
    keys = {row["image_id"]: row for row in FeatureTable.open(table).keys().to_pylist()}
    assert seen["sha256"] == keys[IMAGE]["sha256"]
    assert seen["modified"] == pytest.approx(keys[IMAGE]["modified"], abs=1)
