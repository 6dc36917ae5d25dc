"""What is promised of a page of all photographs: its size, and how soon it is there."""

import time

import numpy as np
import pytest

from classifiers import report
from tests.classifiers.conftest import run_train
from tests.classifiers.reporting.pages import Parsed
from tests.classifiers.reporting.tables import write_images

pytestmark = pytest.mark.acceptance


def test_a_page_of_all_photographs_is_small_and_soon_there(photographs, tmp_path, browser):
    refs = [
        (f"{split}/{label}/{path.name}", label, split, str(path))
        for split in ("train", "validation", "test")
        for label in ("cats", "dogs")
        for path in sorted((photographs / split / label).glob("*.jpg"))
    ]
    signs = np.array([1.0 if label == "dogs" else -1.0 for _, label, _, _ in refs])
    features = np.random.default_rng(0).normal(0, 1, (len(refs), 256))
    features[:, :32] += 0.3 * signs[:, None]
    table = write_images(tmp_path / "features", refs, features)
    for head, more in (("dense", ("--epochs", "2")), ("logistic", ())):
        assert run_train(table, head, tmp_path / head, *more) == 0
    output, began = tmp_path / "page.html", time.monotonic()
    options = ["--table", table, "--model", tmp_path / "dense", "--model", tmp_path / "logistic"]
    options += ["--allow_uri", photographs, "--output", output]
    assert report.main([*map(str, options)]) == 0
    made = time.monotonic() - began
    ready = browser.open(output)
    print(f"\n{len(refs)} images: {output.stat().st_size:,} bytes, {made:.1f} s, {ready:.0f} ms")
    assert output.stat().st_size < 20_000_000
    assert made < 60
    assert ready < 1500
    assert 0 not in Parsed(output).pictures
    assert (browser.complaints, browser.requests) == ([], [])
