"""How many rows a table has of what, and which splits a file's rows are of: a few columns tell."""

from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.table.rows import checked_columns
from pipelines.table.schema import LABELS

COUNTED_COLUMNS = ["copy", "label", "split"]
LABELLED_COLUMNS = ["copy", LABELS, "split"]


def count_rows(batches: Iterable[pa.RecordBatch]) -> list[tuple[str, str | None, int, int]]:
    """Rows of each split and label, and how many of them are images and not copies, sorted.

    Args:
        batches: columns `COUNTED_COLUMNS` of the rows; one batch after the other is looked at.

    Raises:
        pa.ArrowInvalid: a value is missing or no UTF-8.
    """
    rows: Counter[tuple[str, str | None]] = Counter()
    images: Counter[tuple[str, str | None]] = Counter()
    for batch in batches:
        counted = checked_columns(pa.Table.from_batches([batch]))
        for split, label, count, own in _count_rows(counted):
            rows[split, label] += count
            images[split, label] += own
    counts = [(split, label, rows[split, label], images[split, label]) for split, label in rows]
    return sorted(counts, key=lambda row: (row[0], row[1] or ""))


def count_labels(batches: Iterable[pa.RecordBatch]) -> list[tuple[str, str, int]]:
    """Images, without copies, of each split and label of those that may have several, sorted.

    Args:
        batches: columns `LABELLED_COLUMNS` of the rows; one batch after the other is looked at.

    Raises:
        pa.ArrowInvalid: a value is missing or no UTF-8.
    """
    images: Counter[tuple[str, str]] = Counter()
    for batch in batches:
        rows = checked_columns(pa.Table.from_batches([batch]))
        rows = rows.filter(pc.equal(rows["copy"], 0))
        for split, labels in zip(rows["split"].to_pylist(), rows[LABELS].to_pylist(), strict=True):
            images.update((split, label) for label in labels or ())
    return sorted((split, label, count) for (split, label), count in images.items())


def splits_in(storage: pafs.FileSystem, path: str) -> frozenset[str]:
    """The splits that a file's rows are of; reads that one column, which is small.

    Raises:
        OSError, pa.ArrowException: the file is missing or damaged.
    """
    with storage.open_input_file(path) as source:
        file = pq.ParquetFile(source, read_dictionary=["split"])
        splits = file.read(["split"], use_threads=False).column("split")
    found = pa.table({"split": splits.unique().cast(pa.string())})
    return frozenset(checked_columns(found)["split"].to_pylist())


def _count_rows(rows: pa.Table) -> Iterator[tuple[str, str | None, int, int]]:
    rows = rows.append_column("own", pc.equal(rows["copy"], 0).cast(pa.int64()))
    sums = rows.group_by(["split", "label"]).aggregate([([], "count_all"), ("own", "sum")])
    names = ("split", "label", "count_all", "own_sum")
    yield from zip(*(sums[name].to_pylist() for name in names), strict=True)
