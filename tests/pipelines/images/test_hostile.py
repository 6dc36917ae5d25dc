"""Nothing in a folder or a manifest stops a run, and nothing gets past unnoticed."""

import resource
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from pipelines.driver import extract
from pipelines.errors import CommitRefusedError, InputError
from pipelines.images.listing import list_images
from pipelines.table.failures import read_failures
from pipelines.table.feature_table import FeatureTable
from tests.conftest import ROOT, write_image
from tests.hostile import REFUSED, TAKEN, corpus, write_corpus


def test_the_corpus_is_large_enough():
    assert len(corpus()) >= 60
    assert len({file.name for file in corpus()}) == len(corpus())


def test_every_file_of_the_corpus_becomes_a_row_or_a_failure(make_job, tmp_path):
    files = write_corpus(tmp_path / "images")
    table = tmp_path / "features"
    report = extract(make_job(tmp_path / "images", table, max_failures=100, shard_rows=24))
    by_path = {str(tmp_path / "images/train/cat" / file.name): file for file in files}
    ids = {ref.uri: ref.image_id for ref in list_images(str(tmp_path / "images"))}
    rows = FeatureTable.open(str(table)).dataset().to_table().to_pylist()
    failed = {row["image_id"]: row for row in read_failures(str(table)).to_pylist()}
    stored = {row["image_id"] for row in rows}
    for path, file in by_path.items():
        assert (ids[path] in stored, ids[path] in failed) == (file.usable, not file.usable), (
            file.name
        )
    assert report.counts["inputs"] == len(files) + 5
    assert report.counts["written"] == sum(file.usable for file in files) + 5
    assert all(row["message"] and "\n" not in row["message"] for row in failed.values())
    assert not (ROOT / "owned").exists()
    features = np.array([row["features"] for row in rows], np.float32)
    assert np.isfinite(features).all()
    assert all(row["copy"] == 0 and row["split"] == "train" for row in rows)


def test_usable_files_are_decoded_as_keras_does(tmp_path):
    from pipelines.images.decode import PixelSpec, decode_image

    for file in corpus():
        if file.usable and file.data is not None:
            path = tmp_path / "picture"
            path.write_bytes(file.data)
            expected = keras.utils.load_img(path, target_size=(32, 32), interpolation="bilinear")
            found = decode_image(file.data, PixelSpec(32, "bilinear", "ignored")).pixels
            np.testing.assert_array_equal(found, np.asarray(expected), err_msg=file.name)


@pytest.mark.acceptance
def test_a_real_picture_of_thirty_thousand_pixels_squared_is_not_decoded(tmp_path):
    """900 million pixels in a small file; decoded they would take 2.7 GB."""
    code = (
        "import sys\n"
        "from tests.memory import own_peak\n"
        "from pipelines.images.decode import PixelSpec, decode_image\n"
        "from pipelines.errors import ImageError\n"
        "data = open(sys.argv[1], 'rb').read()\n"
        "try:\n"
        "    decode_image(data, PixelSpec(32, 'bilinear', 'ignored'))\n"
        "except ImageError as error:\n"
        "    print(error)\n"
        "print(own_peak())\n"
    )
    from PIL import Image

    Image.new("1", (30_000, 30_000)).save(tmp_path / "huge.png")
    command = [sys.executable, "-c", code, str(tmp_path / "huge.png")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    message, peak = done.stdout.splitlines()
    assert message == "more than 89,478,485 pixels"
    assert int(peak) < 300 * 1024


@pytest.fixture
def folder(tmp_path) -> Path:
    root = tmp_path / "root"
    write_image(root / "a.png", seed=1)
    write_image(root / "b.png", seed=2)
    write_image(tmp_path / "secret.png", seed=3)
    (root / "out.png").symlink_to(tmp_path / "secret.png")
    (root / "folder.png").mkdir()
    return root


def test_there_are_enough_hostile_manifests():
    assert len(REFUSED) + len(TAKEN) >= 20


@pytest.mark.parametrize("name", REFUSED)
def test_a_manifest_that_must_be_refused(folder, name):
    (folder / "m.csv").write_bytes(REFUSED[name])
    with pytest.raises(InputError) as caught:
        list_images(str(folder / "m.csv"))
    assert "m.csv" in str(caught.value) or "manifest" in str(caught.value)


@pytest.mark.parametrize("name", TAKEN)
def test_a_manifest_that_must_be_taken(folder, name, make_job, tmp_path):
    (folder / "m.csv").write_bytes(TAKEN[name])
    (ref,) = list_images(str(folder / "m.csv"))
    labels = {
        "quotes and newlines": 'cat, "big"\nred',
        "label missing": None,
        "label that looks like a number": "007",
        "label that looks null": "NULL",
        "template label": "{0.__class__}%s$(id)",
    }
    assert ref.label == labels.get(name, "cat")
    job = make_job(folder / "m.csv", tmp_path / "features")
    if name in ("missing file", "very long path"):
        with pytest.raises(InputError, match=r"none of the 1 images .* is there"):
            extract(job)
    elif name == "a folder":
        with pytest.raises(CommitRefusedError, match="none of the 1 images"):
            extract(job)
        assert read_failures(job.table)["stage"].to_pylist() == ["read"]
    else:
        assert extract(job).counts["written"] == 1


@pytest.mark.parametrize(
    "table",
    [
        {"path": [["a.png"]]},
        {"path": [1.5]},
        {"path": [None]},
        {"path": pa.array([b"\xff\xfe"], pa.binary())},
    ],
)
def test_a_parquet_manifest_of_other_types(folder, table):
    parquet.write_table(pa.table(table), folder / "m.parquet")
    try:
        refs = list_images(str(folder / "m.parquet"))
    except InputError:
        return
    assert [ref.bytes for ref in refs] == [0]  # a name of no file: it fails when it is read


@pytest.mark.parametrize("text", ["[]", "1", '{"path": 3}', '{"path": {"a": 1}}', "{", "null"])
def test_json_lines_that_are_no_manifest(folder, text):
    (folder / "m.jsonl").write_text(text)
    try:
        refs = list_images(str(folder / "m.jsonl"))
    except InputError:
        return
    assert [ref.bytes for ref in refs] == [0]


@pytest.mark.acceptance
def test_a_million_rows(tmp_path):
    """In a process of its own, so that its memory can be measured."""
    manifest = tmp_path / "m.csv"
    with manifest.open("w") as file:
        file.write("path,label\n")
        file.writelines(f"folder{i % 100}/image{i}.jpg,class{i % 10}\n" for i in range(1_000_000))
    code = (
        "import sys\n"
        "from pipelines.images.listing import list_images\n"
        "from tests.memory import own_peak\n"
        "refs = list_images(sys.argv[1])\n"
        "print(len(refs), refs[0].image_id, own_peak())"
    )
    command = [sys.executable, "-c", code, str(manifest)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, check=True, timeout=120
    )
    count, first, peak = done.stdout.split()
    assert (int(count), first) == (1_000_000, "folder0/image0.jpg")
    assert int(peak) < 1.5 * 2**20  # KiB: 1.5 GiB, for a million references with their strings


def test_the_limit_of_open_files_is_respected(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    write_corpus(tmp_path / "images")
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        assert len(list_images(str(tmp_path / "images"))) > 60
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
