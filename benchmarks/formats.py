"""Features on disk: as plain Parquet, and in this project's files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from classifiers.data.dataset import Samples
from pipelines.contract import Contract
from pipelines.records import FeatureBlock, ImageRef, SourceImage
from pipelines.table.files import FeatureFileWriter
from pipelines.table.receipts import Receipt
from pipelines.table.storage import open_storage

BLOCK = 32
"""Rows handed over at once: what an engine gives."""


def write_parquet(path: Path, features: npt.NDArray[np.float32]) -> None:
    """Write float32 (rows, length) as one list column, with everything else as pyarrow has it."""
    rows, length = features.shape
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(length))
    column = pa.ListArray.from_arrays(offsets, pa.array(features.reshape(-1)))
    pq.write_table(pa.table({"features": column}), path)


def read_parquet(paths: Sequence[Path]) -> npt.NDArray[np.float32]:
    """Read files' column `features` into one array (rows, length), by pyarrow alone."""
    column = pq.read_table([str(path) for path in paths], columns=["features"]).column(0)
    values = [chunk.flatten().to_numpy() for chunk in column.chunks]
    features: npt.NDArray[np.float32] = np.concatenate(values).reshape(len(column), -1)
    return features


def write_project_file(path: Path, samples: Samples, contract: Contract) -> None:
    """Write a feature file with its receipt, in an engine's batches, as a shard does.

    Args:
        path: new, in a folder that is there.
        samples: the rows; where an image came from is made up.
        contract: of the features.
    """
    refs = [
        ImageRef(str(image_id), f"/images/{image_id}", label, "train", 25_000, 0, 0)
        for image_id, label in zip(samples.ids, samples.labels, strict=True)
    ]
    sources = [SourceImage(ref, f"{i:064x}", 25_000, 500, 375) for i, ref in enumerate(refs)]
    with FeatureFileWriter(open_storage(str(path.parent)), path.name, contract) as writer:
        for start in range(0, len(sources), BLOCK):
            part = slice(start, start + BLOCK)
            writer.write(FeatureBlock(sources[part], samples.features[part]))
        writer.close(
            Receipt(
                run="benchmark",
                shard="000000",
                split="train",
                rows=writer.rows,
                contract=contract.canonical_json(),
                feature_shape=samples.features.shape[1:],
                engine="none",
                digest="",
                failures=(),
            )
        )
