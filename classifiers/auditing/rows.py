"""The images that are audited: what the table says of them, and one short vector of each."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from classifiers.data.decoding import Block, blocks_ahead, decode
from classifiers.data.memory import MemoryBudget, show_size
from classifiers.data.pooled import Floats, pool
from classifiers.data.row_groups import SplitRows, find_rows
from pipelines.errors import UsageError
from pipelines.table.feature_table import FeatureTable
from pipelines.table.schema import GROUP, LABELS

COPIES_HELD = 2
"""Matrices of all vectors that are held at once: one is made of the other."""

BESIDES = 150_000_000
"""Bytes of the blocks that are worked on."""


@dataclass(frozen=True, slots=True)
class AuditedRows:
    """Images of a table, ascending by id.

    Attributes:
        table: the table.
        rows: where their features are.
        ids: names.
        labels: class names; None where an image has none.
        splits: names of splits.
        groups: names of groups; None where an image is in none.
        uris: where the images were; None where the table does not say.
        sha256: hashes of their bytes.
    """

    table: FeatureTable
    rows: SplitRows
    ids: tuple[str, ...]
    labels: tuple[str | None, ...]
    splits: tuple[str, ...]
    groups: tuple[str | None, ...]
    uris: tuple[str | None, ...]
    sha256: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that there are, sorted."""
        return tuple(sorted({each for each in self.labels if each is not None}))

    @property
    def several_labels(self) -> bool:
        """Whether images may have several labels, which no column of a CSV holds."""
        return LABELS in self.table.optional

    @property
    def grouped(self) -> bool:
        """Whether any image is in a group."""
        return any(each is not None for each in self.groups)


def audited_rows(table: FeatureTable, split: str | None) -> AuditedRows:
    """The images of a table, without augmented copies.

    Args:
        table: the table.
        split: this split only; all when None.

    Raises:
        TableError: there are none.
    """
    rows = find_rows(table, split, 0, "--split")
    with table.reading():
        names = ["image_id", "copy", "uri", "sha256", *({GROUP} & table.optional)]
        known = table.dataset().to_table(columns=names)
    known = known.filter(pc.equal(known.column("copy"), 0))
    # Another program's table may have a row twice; either says the same.
    place = {name: k for k, name in enumerate(known.column("image_id").to_pylist())}
    ids = rows.keys.column("image_id").to_pylist()
    known = known.take(pa.array([place[name] for name in ids]))
    groups = known.column(GROUP).to_pylist() if GROUP in known.column_names else [None] * len(ids)
    return AuditedRows(
        table=table,
        rows=rows,
        ids=tuple(ids),
        labels=tuple(rows.keys.column("label").to_pylist()),
        splits=tuple(rows.keys.column("split").to_pylist()),
        groups=tuple(groups),
        uris=tuple(known.column("uri").to_pylist()),
        sha256=tuple(known.column("sha256").to_pylist()),
    )


def pooled_features(rows: SplitRows, budget: MemoryBudget) -> Floats:
    """The mean of each channel over the places of an image, float32 (n, channels).

    Features without places stay what they are. Values that are no finite numbers stay so.

    Args:
        rows: the rows.
        budget: most memory.

    Raises:
        UsageError: the vectors do not fit into it.
        TableError: a file is missing or damaged.
    """
    shape = rows.table.feature_shape
    channels, count = shape[-1], rows.keys.num_rows
    held = 4 * count * channels
    needed = COPIES_HELD * held + BESIDES + blocks_ahead() * 4 * rows.length
    if needed > budget.size:
        raise UsageError(
            f"an audit holds a vector of every image, and works on them in blocks: {count:,} of "
            f"{channels} numbers take {show_size(needed)}, and {show_size(budget.size)} "
            f"({budget.reason}) are allowed; raise --memory, or audit one --split"
        )
    pooled = np.empty((count, channels), np.float32)

    def put(block: Block) -> None:
        pooled[block.places] = pool(block.features, shape)

    for _ in decode(rows, put):
        pass
    return pooled


def first_of_equal(vectors: Floats) -> npt.NDArray[np.int64]:
    """The place of the first row that is the same to the bit, int64 (n,), for each row."""
    seen: dict[bytes, int] = {}
    hashes = (hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in vectors)
    return np.array([seen.setdefault(each, k) for k, each in enumerate(hashes)], np.int64)
