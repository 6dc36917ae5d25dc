"""Shards that WebDataset's own writer made are read as it wrote them."""

import numpy as np
import pytest
import webdataset

from pipelines.images.decode import PixelSpec, decode_image
from pipelines.images.layout import Layout
from pipelines.images.listing import list_images
from pipelines.stores.reading import read_bytes

SIDE = 9


@pytest.fixture
def pictures():
    """RGB pictures by key, uint8 (9, 9, 3)."""
    random = np.random.default_rng(3)
    return {
        f"sample{number:04}": random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        for number in range(12)
    }


@pytest.fixture
def shards(tmp_path, pictures) -> str:
    """Three shards of four samples: a PNG, its class as a number, and what JSON says of it."""
    with webdataset.ShardWriter(str(tmp_path / "s-%06d.tar"), maxcount=4, verbose=0) as writer:
        for number, (key, pixels) in enumerate(pictures.items()):
            said = {"kind": ("cat", "dog")[number % 2], "split": "test" if number > 8 else "train"}
            sample = {"__key__": key, "png": pixels, "cls": number % 2, "json": said}
            writer.write(sample)
    return str(tmp_path / "s-{000000..000002}.tar")


def test_samples_have_their_classes(shards, pictures):
    refs = list_images(shards)
    assert [ref.image_id for ref in refs] == [f"{key}.png" for key in pictures]
    assert [ref.label for ref in refs] == ["0", "1"] * 6
    columns = {"label": "json.kind", "split": "json.split"}
    refs = list_images(shards, None, Layout(columns=columns))
    assert [ref.label for ref in refs] == ["cat", "dog"] * 6
    assert [ref.split for ref in refs] == ["train"] * 9 + ["test"] * 3


def test_samples_have_their_pixels(shards, pictures):
    spec = PixelSpec(SIDE, "nearest", "ignored")
    for ref in list_images(shards):
        found = decode_image(read_bytes(ref.uri), spec).pixels
        np.testing.assert_array_equal(found, pictures[ref.image_id.removesuffix(".png")])
