"""What the library `datasets` writes, read back equal without it."""

import os
import subprocess
import sys

import pytest

from pipelines.images.listing import list_images
from pipelines.stores.reading import read_bytes
from tests.conftest import ROOT

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "USE_TF": "0",
    "USE_TORCH": "0",
}
"""It asks nobody and tells nobody."""


@pytest.fixture(scope="module")
def written(dataset, tmp_path_factory):
    where = tmp_path_factory.mktemp("hugging-face")
    writer = ROOT / "tests/pipelines/images/hugging_face_writer.py"
    environment = {**os.environ, **OFFLINE, "HF_HOME": str(where / "home")}
    subprocess.run([sys.executable, writer, dataset, where], env=environment, check=True)
    return where


def rows(location):
    refs = list_images(str(location))
    return {ref.image_id: (ref.label, ref.split, read_bytes(ref.uri)) for ref in refs}


@pytest.mark.acceptance
@pytest.mark.parametrize("name", ["all.parquet", "saved"])
def test_what_it_wrote_is_what_lies_in_the_folder(written, dataset, name):
    assert rows(written / name) == rows(dataset)


def test_splits_of_the_hub_and_its_own_reading_of_folders(written, dataset):
    found = sorted(row for row in rows(written / "hub").values())
    assert found == sorted(rows(dataset).values())
