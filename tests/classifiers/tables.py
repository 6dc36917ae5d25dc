"""Tables of made-up features: many small row groups, each of one class, as a real table has."""

import hashlib
from pathlib import Path

import numpy as np

from pipelines.records import FeatureBlock, ImageRef, SourceImage
from pipelines.table.change import Change, TableState
from pipelines.table.feature_table import FeatureTable
from pipelines.table.files import FeatureFileWriter
from pipelines.table.gate import commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.receipts import Receipt
from pipelines.table.storage import open_storage
from tests.pipelines.test_contract import CONTRACT

LENGTH = 32
ROWS = 16
"""Rows of a file, which has one row group: 2,048 bytes of features."""


def write_table(
    folder: Path,
    splits: dict[str, int],
    classes: tuple[str, ...],
    shape: tuple[int, ...] = (LENGTH,),
) -> FeatureTable:
    """A table of so many files a split; the classes can be told apart, but not without mistakes."""
    storage, paths = open_storage(str(folder)), []
    random = np.random.default_rng(7)
    centres = np.random.default_rng(99).normal(0, 0.6, (len(classes), LENGTH))
    scales = np.linspace(0.5, 3, LENGTH)
    for split, files in splits.items():
        for number in range(files):
            label = classes[number * len(classes) // files]
            sources = []
            for row in range(ROWS):
                name = f"{split}/{label}/{(number * 7919) % 1000:03d}-{row:02d}.jpg"
                ref = ImageRef(name, name, label, split, 1, 1, 1)
                sources.append(SourceImage(ref, f"{number * ROWS + row:064x}", 1, 1, 1))
            points = centres[classes.index(label)] + random.normal(0, 1, (ROWS, LENGTH))
            features = ((points + 0.5) * scales).astype(np.float32)
            paths.append(f"data/{split}-{number:04d}.parquet")
            with FeatureFileWriter(storage, paths[-1], CONTRACT) as writer:
                writer.write(FeatureBlock(sources, features))
                json = CONTRACT.canonical_json()
                writer.close(Receipt("r", "s", split, 0, json, shape, "none", "", ()))
    found = [inspect_file(storage, path) for path in paths]
    state = TableState(str(folder), None, CONTRACT, shape, EMPTY_KEYS)
    commit_change(state, Change(found, [], {"run": "r"}))
    return FeatureTable.open(str(folder))


def add_file(
    table: FeatureTable,
    name: str,
    split: str,
    features: np.ndarray,
    replacing: list[str] = (),  # type: ignore[assignment]
    label: str | None = None,
) -> None:
    """Commit a file of further images, `SPLIT/NAME/000.jpg` and so on, in the place of others."""
    path = f"data/{split}-{name}.parquet"
    sources = [
        SourceImage(
            ImageRef(image_id, image_id, name if label is None else label, split, 1, 1, 1),
            hashlib.sha256(image_id.encode()).hexdigest(),
            1,
            1,
            1,
        )
        for image_id in (f"{split}/{name}/{row:03d}.jpg" for row in range(len(features)))
    ]
    with FeatureFileWriter(table.storage, path, CONTRACT) as writer:
        writer.write(FeatureBlock(sources, features))
        json = CONTRACT.canonical_json()
        writer.close(Receipt("r", "s", split, 0, json, features.shape[1:], "none", "", ()))
    found = inspect_file(table.storage, path)
    commit_change(table.state(table.keys()), Change([found], replacing, {"run": "r"}))
