"""Tables of made-up rows, whatever they are called, with pictures of one colour each."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.records import FeatureBlock, ImageRef, SourceImage
from pipelines.table.change import Change, TableState
from pipelines.table.files import FeatureFileWriter
from pipelines.table.gate import commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.receipts import Receipt
from pipelines.table.schema import optional_schema
from pipelines.table.storage import open_storage
from tests.pipelines.test_contract import CONTRACT

Row = tuple[str, str | None, str]
"""Id, label and split."""


def colour_of(number: int) -> tuple[int, int, int]:
    """Of the picture of the row of that number; no two are alike."""
    return (40 + 37 * number) % 256, (90 + 71 * number) % 256, (7 * number) % 256


def write_rows(
    folder: Path,
    rows: Sequence[Row],
    features: np.ndarray,
    optional: frozenset[str] = frozenset(),
) -> Path:
    """A table `features` in a folder, and its pictures beside it in `pictures`.

    Args:
        folder: where.
        rows: of the table.
        features: float (n, length).
        optional: columns that not every table has.
    """
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    images = []
    for number, row in enumerate(rows):
        path = pictures / f"{number}.png"
        Image.new("RGB", (24, 24), colour_of(number)).save(path)
        images.append((*row, str(path)))
    return write_images(folder / "features", images, features, optional)


def write_images(
    table: Path,
    images: Sequence[tuple[str, str | None, str, str]],
    features: np.ndarray,
    optional: frozenset[str] = frozenset(),
) -> Path:
    """A table of images that are there: id, label, split and place of each."""
    storage, paths, length = open_storage(str(table)), [], features.shape[1]
    for split in sorted({row[2] for row in images}):
        sources, places = [], []
        for number, (name, label, of, uri) in enumerate(images):
            if of == split:
                ref = ImageRef(name, uri, label, split, 1, 1, 1)
                sources.append(SourceImage(ref, f"{number:064x}", 1, 24, 24))
                places.append(number)
        paths.append(f"data/{split}.parquet")
        added = optional_schema(optional)
        with FeatureFileWriter(storage, paths[-1], CONTRACT, added) as writer:
            writer.write(FeatureBlock(sources, features[places].astype(np.float32)))
            json = CONTRACT.canonical_json()
            writer.close(Receipt("r", "s", split, 0, json, (length,), "none", "", ()))
    found = [inspect_file(storage, path) for path in paths]
    state = TableState(str(table), None, CONTRACT, (length,), EMPTY_KEYS, optional=optional)
    commit_change(state, Change(found, [], {"run": "r"}))
    return table


def two_classes(folder: Path, each: int = 12, apart: float = 1.0) -> Path:
    """Cats and dogs, so many of each in train and in test; some cannot be told apart."""
    random = np.random.default_rng(5)
    rows = [
        (f"{split}/{label}/{number}.png", label, split)
        for split in ("train", "test")
        for label in ("cats", "dogs")
        for number in range(each)
    ]
    signs = np.array([1.0 if label == "dogs" else -1.0 for _, label, _ in rows])
    features = random.normal(0, 1, (len(rows), 8))
    features[:, 0] += apart * signs
    return write_rows(folder, rows, features)
