"""At full size, with the real weights, an exported file says of photographs what predict says."""

import numpy as np
import pytest

import frozen_features as ff
from benchmarks.exports import differences, some_of_each
from classifiers.exporting import proof

pytestmark = pytest.mark.acceptance


def test_a_file_says_what_predict_says_of_photographs(
    photographs, imagenet_weights, tmp_path, monkeypatch
):
    monkeypatch.setattr(proof, "IMAGES", 4)  # what is measured here is proof enough
    monkeypatch.setattr(proof, "REAL", 2)
    for part, images in (("train", 16), ("test", 6)):
        for path in some_of_each(photographs / part, images):
            link = tmp_path / "images" / path.relative_to(photographs)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    table, weights = tmp_path / "features", str(imagenet_weights)
    ff.extract(tmp_path / "images", table, weights=weights, engine="keras")
    model = tmp_path / "svm"
    ff.train(table, model=model, head="linear_svm", calibrate=True)
    new = some_of_each(photographs / "test", 6)
    rows = ff.predict(model, table=table, split="test", probabilities=True).rows
    assert np.ptp(rows["probability_cats"].to_numpy()) > 0.1, "there is something to tell apart"
    found = differences(model, new, weights, ["onnx"])
    assert found["onnx"] <= 1e-4
