"""Running the real command in a process of its own, to be hurt."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa

from pipelines.table.feature_table import FeatureTable
from tests.conftest import ROOT

PLACE = ["image_id", "copy", "label", "split", "sha256", "features"]


def command(images: Path | str, table: Path, *more: str) -> list[str]:
    """An extraction with a cheap base and small shards, and always the same bits of features.

    Where the cache has the base converted, it starts without TensorFlow.
    """
    options = ["--input", str(images), "--table", str(table), "--weights", "random:1"]
    options += ["--engine", "ncnn"]
    options += ["--image_size", "32", "--batch_size", "8", "--shard_size", "8"]
    return [sys.executable, "-m", "pipelines.extract", *options, *more]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def content(table: Path) -> pa.Table:
    """What makes two tables equal, in an order of its own."""
    rows = FeatureTable.open(str(table)).dataset().to_table(columns=PLACE)
    return rows.sort_by([("image_id", "ascending"), ("copy", "ascending")])
