"""Inputs and tables of any size without images: what a driver handles, not pixels."""

import hashlib
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contract import Contract
from pipelines.records import FeatureBlock, ImageRef, SourceImage
from pipelines.table.files import FeatureFileWriter
from pipelines.table.names import new_run_id
from pipelines.table.receipts import Receipt
from pipelines.table.storage import open_storage

CONTRACT = Contract(
    base="VGG16",
    weights="0" * 64,
    image_size=150,
    interpolation="bilinear",
    orientation="ignored",
    preprocessing="imagenet",
    layer="block5_pool",
    pooling="none",
    compute_dtype="float32",
    precision="float32",
)

LENGTH = 4
"""Features a row: what is measured never reads them."""

A_FOLDER = 1_000
"""Images of one class, in one folder."""


def refs_of(images: int) -> Iterator[ImageRef]:
    """Images as a listing gives them, ids and places as long as an object store's often are."""
    return map(_ref, range(images))


def make_tree(root: Path, images: int) -> Path:
    """Empty files `train/class/name.jpg`, a thousand a folder."""
    for place in range(images):
        path = root / image_id(place)
        if place % A_FOLDER == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def make_manifest(tree: Path, file: Path, images: int) -> Path:
    """A Parquet manifest of a tree's files, with sizes and times that are not theirs."""
    names = [image_id(place) for place in range(images)]
    columns: dict[str, Any] = {"path": [str(tree / name) for name in names], "id": names}
    refs = [*refs_of(images)]
    columns["size"] = [ref.bytes for ref in refs]
    columns["modified"] = pa.array([ref.modified for ref in refs], pa.timestamp("us", "UTC"))
    labels = [_label(place) for place in range(images)]
    table = pa.table({**columns, "label": labels, "split": ["train"] * images})
    pq.write_table(table, file)
    return file


def write_files(
    uri: str, rows: int, rows_a_file: int, first: int = 0, split: str = "train"
) -> Iterator[str]:
    """Finished feature files of a table's folder; gives their paths as they are written."""
    run, storage = new_run_id(), open_storage(uri)
    text = CONTRACT.canonical_json()
    for number, start in enumerate(range(first, first + rows, rows_a_file)):
        path = f"data/{run}-{number:06d}-00000000.parquet"
        count = min(rows_a_file, first + rows - start)
        sources = [
            SourceImage(ref, _sha256(place), ref.bytes, 400, 375)
            for place in range(start, start + count)
            for ref in [replace(_ref(place), split=split)]
        ]
        with FeatureFileWriter(storage, path, CONTRACT) as writer:
            writer.write(FeatureBlock(sources, np.zeros((count, LENGTH), np.float32)))
            name = f"{number:06d}"
            writer.close(Receipt(run, name, split, 0, text, (LENGTH,), "ncnn", "", ()))
        yield path


def _ref(place: int) -> ImageRef:
    # Names, sizes and times differ as real ones do: the job that holds them is compressed.
    chance = zlib.crc32(b"%d" % place)
    modified = 1_700_000_000_000_000 + chance * 1_000
    return ImageRef(
        image_id=image_id(place),
        uri=f"/mnt/images/{image_id(place)}",
        label=_label(place),
        split="train",
        bytes=20_000 + chance % 10_000,
        modified=modified,
        changed=modified + 1,
    )


def image_id(place: int) -> str:
    """The id of an image, by its number."""
    name = hashlib.md5(b"%d" % place, usedforsecurity=False).hexdigest()
    return f"train/{_label(place)}/{name[:16]}.jpg"


def _sha256(place: int) -> str:
    return hashlib.sha256(b"%d" % place).hexdigest()


def _label(place: int) -> str:
    return sys.intern(f"class-{place // A_FOLDER:07d}")
