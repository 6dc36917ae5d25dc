"""Tables of made-up features of images with several labels."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from pipelines.contract import Contract
from pipelines.records import FeatureBlock, ImageRef, SourceImage, as_label
from pipelines.table.change import Change, TableState
from pipelines.table.feature_table import FeatureTable
from pipelines.table.files import FeatureFileWriter
from pipelines.table.gate import commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.receipts import Receipt
from pipelines.table.schema import LABELS as LABELS_COLUMN
from pipelines.table.schema import optional_schema
from pipelines.table.storage import open_storage
from tests.pipelines.test_contract import CONTRACT

LENGTH = 12
LABELS = ("cat", "dog", "indoors")
NAMED = frozenset({LABELS_COLUMN})
ADDED = optional_schema(NAMED)
ROWS = {"train": 60, "validation": 24, "test": 40}

Rows = Sequence[tuple[str, Sequence[str] | str | None]]


def drawn(split: str) -> tuple[Rows, np.ndarray]:
    """Images of a split with their labels, and features that tell most of these."""
    random = np.random.default_rng(len(split))
    marks = random.random((ROWS[split], len(LABELS))) < [0.4, 0.3, 0.5]
    pushes = np.random.default_rng(1).normal(0, 1.2, (len(LABELS), LENGTH))
    features = (random.normal(0, 1, (len(marks), LENGTH)) + marks @ pushes).astype(np.float32)
    names = [[name for name, there in zip(LABELS, row, strict=True) if there] for row in marks]
    return [(f"{split}/{row:03d}.png", said) for row, said in enumerate(names)], features


def write_several(
    folder: Path, splits: Mapping[str, tuple[Rows, np.ndarray]], contract: Contract = CONTRACT
) -> FeatureTable:
    """A table of a file a split; labels of None are of an image that nobody has labelled,
    and a text is the one label of an image that has one.
    """
    storage, paths = open_storage(str(folder)), []
    for split, (rows, features) in splits.items():
        sources = [
            SourceImage(
                ImageRef(
                    name,
                    name,
                    said if said is None or isinstance(said, str) else as_label(said),
                    split,
                    1,
                    1,
                    1,
                ),
                sha256(name.encode()).hexdigest(),
                1,
                1,
                1,
            )
            for name, said in rows
        ]
        paths.append(f"data/{split}-0000.parquet")
        with FeatureFileWriter(storage, paths[-1], contract, ADDED) as writer:
            writer.write(FeatureBlock(sources, features))
            json = contract.canonical_json()
            writer.close(Receipt("r", "s", split, 0, json, features.shape[1:], "none", "", ()))
    found = [inspect_file(storage, path) for path in paths]
    state = TableState(str(folder), None, contract, features.shape[1:], EMPTY_KEYS, optional=NAMED)
    commit_change(state, Change(found, [], {"run": "r"}))
    return FeatureTable.open(str(folder))
