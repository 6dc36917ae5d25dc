"""Copying rows of finished files into new ones: for new labels, fewer rows, or fewer files.

A file is never changed in place. What is to differ is written anew, and the commit takes the new
file for the old one.
"""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs

from pipelines.contract import Contract, contract_from_json
from pipelines.errors import TableError
from pipelines.records import ImageRef, labels_of
from pipelines.table.feature_table import FeatureTable
from pipelines.table.files import FeatureFileWriter
from pipelines.table.names import data_file_name, oldest_run
from pipelines.table.receipts import Receipt, read_receipt
from pipelines.table.rows import names_of, row_blocks
from pipelines.table.schema import (
    GROUP,
    LABELS,
    NONE_ADDED,
    is_optional,
    optional_names,
    optional_schema,
    with_added,
)
from pipelines.table.stored import StoredImage


class Placement(NamedTuple):
    """What a row says of its image that may change while its bytes do not."""

    label: str | None
    split: str
    group: str | None = None


def placement_of(image: ImageRef | StoredImage) -> Placement:
    """What an input, or a row, says of its image."""
    return Placement(image.label, image.split, image.group)


Choosing = Callable[[pa.Table], Iterator[tuple[str, pa.Table]]]
"""Gives the rows to keep of a block, by their split."""

EDITED = "edit"
"""Stands in a rewritten file's name and receipt where others have their shard."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What is the same for all files of one rewriting.

    Attributes:
        run: run id that the new files are named with: the oldest of the old ones.
        contract: of the rows.
        feature_shape: shape of one image's features before flattening.
        engine: what made the features, for the receipt.
        augmentation: canonical JSON of the policy of the rows' copies; None without copies.
        added: columns besides those of the contract: of groups, and what others have added to the
            table, whose values go along.
    """

    run: str
    contract: Contract
    feature_shape: tuple[int, ...]
    engine: str
    augmentation: str | None
    added: pa.Schema = NONE_ADDED

    @classmethod
    def of(cls, storage: pafs.FileSystem, paths: Sequence[str], table: FeatureTable | None) -> Self:
        """What a rewriting of some files says of itself: what they and their table say.

        Args:
            storage: filesystem of the table's folder.
            paths: the files; the first one's receipt speaks for all of them.
            table: the table that they are in, which knows the columns and the rest of a file
                without a receipt, as Delta's own compaction writes them; None where they are in
                none.

        Raises:
            TableError: a file is damaged, nobody knows what it holds, or the table's columns cannot
                be carried.
        """
        receipt = read_receipt(storage, paths[0])
        run, policy = oldest_run(paths), None if table is None else table.policy
        added = NONE_ADDED if table is None else table.added_columns
        if receipt is not None:
            contract = contract_from_json(receipt.contract)
            policy = policy or receipt.augmentation
            return cls(run, contract, receipt.feature_shape, receipt.engine, policy, added)
        if table is None:
            raise TableError(f"{paths[0]} has no receipt, and there is no table that knows it")
        return cls(run, table.contract, table.feature_shape, "unknown", policy, added)


def rewrite_rows(
    storage: pafs.FileSystem,
    paths: Sequence[str],
    keep: Mapping[str, Placement],
    rewrite: Rewrite,
) -> list[str]:
    """Copy rows of some files into new files of one split each, a few rows at a time.

    Args:
        storage: filesystem of the table's folder.
        paths: the files to read.
        keep: by name, what a row shall say of its image; other rows are left behind.
        rewrite: what the new files say of themselves.

    Returns:
        Paths of the new files, none of them empty.

    Raises:
        OSError: a file cannot be read or written.
    """
    needed = optional_names(keep.values())
    rewrite = replace(rewrite, added=_with_optional(rewrite.added, needed))
    return _write(storage, paths, lambda rows: _placed(rows, keep), rewrite)


def copy_rows(
    storage: pafs.FileSystem,
    paths: Sequence[str],
    rewrite: Rewrite,
    without: frozenset[str] = frozenset(),
) -> list[str]:
    """Copy the rows of some files as they are, but for those of some images; see `rewrite_rows`.

    Args:
        storage: filesystem of the table's folder.
        paths: the files to read.
        rewrite: what the new files say of themselves.
        without: ids of images whose rows are left behind.
    """
    unwanted = pa.array(sorted(without), pa.string())
    return _write(storage, paths, lambda rows: _by_split(rows, unwanted), rewrite)


def _write(
    storage: pafs.FileSystem, paths: Sequence[str], choose: Choosing, rewrite: Rewrite
) -> list[str]:
    writers: dict[str, tuple[str, FeatureFileWriter]] = {}
    with ExitStack() as stack:
        length = prod(rewrite.feature_shape)
        columns = with_added(rewrite.contract, rewrite.added)
        of_files = (row_blocks(storage, path, columns, length) for path in paths)
        for rows in itertools.chain.from_iterable(of_files):
            for split, part in choose(rows):
                if split not in writers:
                    path = data_file_name(rewrite.run, EDITED)
                    writer = FeatureFileWriter(storage, path, rewrite.contract, rewrite.added)
                    writers[split] = (path, stack.enter_context(writer))
                writers[split][1].write_rows(part)
        for split, (_, writer) in writers.items():
            writer.close(_receipt(split, rewrite))
    return [path for path, _ in writers.values()]


def _with_optional(added: pa.Schema, needed: Collection[str]) -> pa.Schema:
    there = {field.name for field in added if is_optional(field)}
    return pa.schema([*added, *optional_schema({*needed} - there)])


def _by_split(rows: pa.Table, unwanted: pa.Array) -> Iterator[tuple[str, pa.Table]]:
    kept = rows.filter(pc.invert(pc.is_in(rows["image_id"], unwanted)))
    for split in sorted(pc.unique(kept["split"]).to_pylist()):
        yield split, kept.filter(pc.equal(kept["split"], split))


def _placed(rows: pa.Table, keep: Mapping[str, Placement]) -> Iterator[tuple[str, pa.Table]]:
    names = names_of(rows)
    kept = np.array([name in keep for name in names], dtype=bool)
    if not kept.any():
        return
    rows = rows.filter(pa.array(kept))
    labels, splits, groups = zip(*(keep[name] for name in names if name in keep), strict=True)
    several = [labels_of(label) for label in labels]
    single = [None if labels_of(label) is not None else label for label in labels]
    columns = {"label": single, "split": splits, GROUP: groups, LABELS: several}
    for name, values in columns.items():
        place = rows.schema.get_field_index(name)
        if place >= 0 and (name not in (GROUP, LABELS) or is_optional(rows.schema.field(place))):
            field = rows.schema.field(place)
            rows = rows.set_column(place, field, pa.array(values, field.type))
    for split in sorted(set(splits)):
        yield split, rows.filter(pa.array([each == split for each in splits]))


def _receipt(split: str, rewrite: Rewrite) -> Receipt:
    return Receipt(
        run=rewrite.run,
        shard=EDITED,
        split=split,
        rows=0,
        contract=rewrite.contract.canonical_json(),
        feature_shape=rewrite.feature_shape,
        engine=rewrite.engine,
        digest="",
        failures=(),
        augmentation=rewrite.augmentation,
    )
