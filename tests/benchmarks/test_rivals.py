"""The rivals do the same work: where pixels agree, so do the features."""

import sys

import numpy as np
import pytest
from PIL import Image

import classifiers
from benchmarks.agreement import read_features
from benchmarks.base_choice import BaseChoice
from benchmarks.child import ChildError
from benchmarks.images import list_images
from benchmarks.rival import RivalJob
from pipelines.bases import BASES, WeightsRequest, load_base
from pipelines.driver import extract
from pipelines.engines.trial import largest_error
from tests.conftest import TINY, write_image

COUNT = 5


@pytest.fixture(scope="module")
def work(tmp_path_factory, make_job):
    """Images, the base's choice with its weights in a file, and this project's features."""
    folder = tmp_path_factory.mktemp("rivals")
    for i in range(COUNT):
        path = folder / "images" / "train" / ("cats", "dogs")[i % 2] / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        blocks = np.random.default_rng(i).integers(0, 256, (5, 5, 3), dtype=np.uint8)
        Image.fromarray(blocks).resize((50, 40)).save(path, quality=95)
    loaded = load_base(BASES["VGG16"], TINY.image_size, WeightsRequest("random", seed=1))
    weights = folder / "tiny.weights.h5"
    loaded.model.save_weights(weights)
    extract(make_job(folder / "images", folder / "table"))
    features = classifiers.load(str(folder / "table")).features
    return folder / "images", BaseChoice("VGG16", TINY.image_size, str(weights)), features


def run(module, work, output, monkeypatch):
    images, choice, _ = work
    given = ["--input", str(images), "--output", str(output), *choice.arguments()]
    monkeypatch.setattr(sys, "argv", ["rival", *given])
    module.main()
    return read_features(output, COUNT)


@pytest.mark.acceptance
def test_the_book_s_loop(work, tmp_path, monkeypatch):
    from benchmarks import literature_loop

    found = run(literature_loop, work, tmp_path / "a.npy", monkeypatch)
    assert largest_error(found, work[2]) <= 1e-5


def test_the_tf_data_loop_on_pixels_that_need_no_resizing(work, tmp_path, monkeypatch):
    from benchmarks import literature_loop, tf_data_loop

    # TensorFlow resizes and decodes JPEG in its own way; PNG of the right size leaves it no way.
    for i in range(COUNT):
        size = (TINY.image_size, TINY.image_size)
        write_image(tmp_path / "plain" / "train" / "cats" / f"{i}.png", seed=i, size=size)
    same = (tmp_path / "plain", work[1], None)
    expected = run(literature_loop, same, tmp_path / "a.npy", monkeypatch)
    found = run(tf_data_loop, same, tmp_path / "b.npy", monkeypatch)
    assert largest_error(found, expected) <= 1e-4


@pytest.mark.acceptance
def test_onnx_runtime(work, tmp_path):
    from benchmarks.export_onnx import export_base
    from benchmarks.onnx_loop import extract as extract_by_onnx

    images, choice, features = work
    export_base(choice, tmp_path / "base.onnx")
    job = RivalJob(list_images(images), tmp_path / "c.npy", choice, tmp_path / "base.onnx")
    assert largest_error(extract_by_onnx(job), features) <= 1e-4


def test_work_that_was_not_done_is_told(tmp_path):
    np.save(tmp_path / "short.npy", np.zeros((3, 2), np.float32))
    with pytest.raises(ChildError, match=r"short\.npy holds 3 of 4 images"):
        read_features(tmp_path / "short.npy", 4)


def test_the_largest_error_is_relative_and_of_one_row():
    expected = np.array([[3.0, 4.0], [0.0, 10.0]] * 3, np.float32)
    found = expected.copy()
    found[4] += [0.0, 0.5]
    assert largest_error(found, expected) == pytest.approx(0.1)
