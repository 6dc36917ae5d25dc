"""Copying rows of finished files into new ones: for new labels, fewer rows, or fewer files.

A file is never changed in place. What is to differ is written anew, and the commit takes the new
file for the old one.
"""

import itertools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs

from pipelines.contract import Contract
from pipelines.table.files import FeatureFileWriter, Receipt
from pipelines.table.rows import names_of, row_groups
from pipelines.table.schema import DATA_FOLDER, FEATURE_SCHEMA

Placement = tuple[str | None, str]
"""Label and split of a row."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What is the same for all files of one rewriting.

    Attributes:
        run: run id that the new files are named with: the oldest of the old ones.
        contract: of the rows.
        feature_shape: shape of one image's features before flattening.
        engine: what made the features, for the receipt.
        augmentation: canonical JSON of the policy of the rows' copies; None without copies.
    """

    run: str
    contract: Contract
    feature_shape: tuple[int, ...]
    engine: str
    augmentation: str | None


def rewrite_rows(
    storage: pafs.FileSystem,
    paths: Sequence[str],
    keep: Mapping[str, Placement],
    rewrite: Rewrite,
) -> list[str]:
    """Copy rows of some files into new files of one split each, a row group at a time.

    Args:
        storage: filesystem of the table's folder.
        paths: the files to read.
        keep: by name, the label and split that a row shall have; other rows are left behind.
        rewrite: what the new files say of themselves.

    Returns:
        Paths of the new files, none of them empty.

    Raises:
        OSError: a file cannot be read or written.
    """
    writers: dict[str, tuple[str, FeatureFileWriter]] = {}
    with ExitStack() as stack:
        groups = itertools.chain.from_iterable(row_groups(storage, path) for path in paths)
        for rows in groups:
            for split, part in _placed(rows, keep):
                if split not in writers:
                    path = f"{DATA_FOLDER}/{rewrite.run}-edit-{uuid.uuid4().hex[:8]}.parquet"
                    writer = FeatureFileWriter(storage, path, rewrite.contract)
                    writers[split] = (path, stack.enter_context(writer))
                writers[split][1].write_rows(part)
        for split, (_, writer) in writers.items():
            writer.close(_receipt(split, rewrite))
    return [path for path, _ in writers.values()]


def _placed(rows: pa.Table, keep: Mapping[str, Placement]) -> Iterator[tuple[str, pa.Table]]:
    names = names_of(rows)
    kept = np.array([name in keep for name in names], dtype=bool)
    if not kept.any():
        return
    rows = rows.filter(pa.array(kept))
    labels, splits = zip(*(keep[name] for name in names if name in keep), strict=True)
    for name, values in (("label", labels), ("split", splits)):
        place = rows.schema.get_field_index(name)
        field = FEATURE_SCHEMA.field(name)
        rows = rows.set_column(place, field, pa.array(values, pa.string()))
    for split in sorted(set(splits)):
        yield split, rows.filter(pa.array([each == split for each in splits]))


def _receipt(split: str, rewrite: Rewrite) -> Receipt:
    return Receipt(
        run=rewrite.run,
        shard="edit",
        split=split,
        rows=0,
        contract=rewrite.contract.canonical_json(),
        feature_shape=rewrite.feature_shape,
        engine=rewrite.engine,
        digest="",
        failures=(),
        augmentation=rewrite.augmentation,
    )
