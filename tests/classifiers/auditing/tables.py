"""Tables whose rows a test makes up one by one."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

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


class Row(NamedTuple):
    name: str
    features: np.ndarray
    label: str | None = "a"
    split: str = "train"
    sha256: str | None = None
    uri: str = "nowhere.jpg"


def write_rows(folder: Path, rows: Sequence[Row], shape: tuple[int, ...]) -> FeatureTable:
    """A table of these rows, whose features have that shape before flattening."""
    storage, paths = open_storage(str(folder)), []
    for split in dict.fromkeys(row.split for row in rows):
        part = [row for row in rows if row.split == split]
        paths.append(f"data/{split}.parquet")
        sources = []
        for row in part:
            ref = ImageRef(row.name, row.uri, row.label, split, 1, 1, 1)
            digest = row.sha256 or f"{abs(hash(row.name)):064x}"
            sources.append(SourceImage(ref, digest, 1, 1, 1))
        features = np.array([row.features for row in part], np.float32).reshape(len(part), -1)
        with FeatureFileWriter(storage, paths[-1], CONTRACT) as writer:
            writer.write(FeatureBlock(sources, features))
            json = CONTRACT.canonical_json()
            writer.close(Receipt("r", "s", split, 0, json, shape, "none", "", ()))
    found = [inspect_file(storage, path) for path in paths]
    state = TableState(str(folder), None, CONTRACT, shape, EMPTY_KEYS)
    commit_change(state, Change(found, [], {"run": "r"}))
    return FeatureTable.open(str(folder))
