"""Decoding features ahead on threads, a bounded number of rows at a time."""

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from classifiers.data.row_groups import RowGroup, SplitRows
from pipelines.errors import TableError
from pipelines.system.cores import usable_cores
from pipelines.table.feature_table import FeatureTable
from pipelines.table.files import ROW_GROUP_BYTES
from pipelines.table.rows import check_lengths
from pipelines.table.schema import FEATURE_TYPE

Result = TypeVar("Result")


class Block(NamedTuple):
    """Rows that were decoded together.

    Attributes:
        features: float32 (n, length), read-only where it is Arrow's own memory.
        places: int64 (n,), the place of each row in `SplitRows.keys`.
    """

    features: npt.NDArray[np.float32]
    places: npt.NDArray[np.int64]


def block_rows(rows: SplitRows) -> int:
    """Most rows of a block: those of a row group, unless another program wrote larger ones."""
    largest = max(len(group.wanted) for group in rows.groups)
    return min(largest, _rows_at_once(rows.length))


def blocks_ahead() -> int:
    """Most blocks that `decode` holds at once, besides the one it gave last."""
    return usable_cores() + 1


def decode(
    rows: SplitRows, work: Callable[[Block], Result], order: Sequence[int] | None = None
) -> Iterator[Result]:
    """Decode all rows once, and have each block worked on by the thread that decoded it.

    Args:
        rows: the rows.
        work: what to do with a block; several run at once.
        order: of the row groups, as places in `rows.groups`; as they are when None.

    Yields:
        What `work` returned, in that order, whichever thread was faster.

    Raises:
        TableError: a file is missing, damaged, or not what it was when the rows were found.
    """
    groups = rows.groups if order is None else [rows.groups[place] for place in order]
    waiting = (_worked_on(rows.table, group, work) for group in groups)
    # Threads of our own, because they are joined: Arrow's may outlive the reading, and a
    # filesystem that calls back into Python then aborts the process as it ends.
    with ThreadPoolExecutor(usable_cores(), thread_name_prefix="decoder") as threads:
        under_way: deque[tuple[Iterator[Result], Future[list[Result]]]] = deque()

        def begin(sources: Iterator[Iterator[Result]]) -> None:
            under_way.extend((each, threads.submit(_next_of, each)) for each in sources)

        begin(islice(waiting, blocks_ahead()))
        try:
            while under_way:
                source, future = under_way.popleft()
                done = future.result()
                if done:
                    under_way.appendleft((source, threads.submit(_next_of, source)))
                    yield done[0]
                else:
                    begin(islice(waiting, 1))
        finally:
            threads.shutdown(cancel_futures=True)


def _next_of(source: Iterator[Result]) -> list[Result]:
    """The next of a row group's results; empty at its end. Never more than one is held."""
    return list(islice(source, 1))


def _worked_on(
    table: FeatureTable, group: RowGroup, work: Callable[[Block], Result]
) -> Iterator[Result]:
    with contextlib.closing(_blocks(table, group)) as blocks:
        for block in blocks:
            yield work(block)


def _blocks(table: FeatureTable, group: RowGroup) -> Generator[Block, None, None]:
    length, start = table.feature_length, 0
    with table.reading(), table.storage.open_input_file(group.path) as source:
        # The buffer bounds what is held of a row group that another program made very large.
        file = pq.ParquetFile(source, metadata=group.footer, buffer_size=ROW_GROUP_BYTES)
        for batch in file.iter_batches(
            _rows_at_once(length),
            row_groups=[group.number],
            columns=["image_id", "copy", "features"],
            use_threads=False,
        ):
            end = start + batch.num_rows
            # Must be the rows that were found, or labels would slip.
            keys = pa.Table.from_batches([batch.select(["image_id", "copy"])])
            expected = group.keys.slice(start, batch.num_rows)
            if not keys.cast(expected.schema).equals(expected):
                raise TableError(
                    f"the files of {table.uri} changed while they were read; run the command again"
                )
            first, last = np.searchsorted(group.wanted, [start, end])
            if first < last:
                features = _matrix(pa.Table.from_batches([batch])["features"], length)
                if last - first < batch.num_rows:
                    features = features[group.wanted[first:last] - start]
                yield Block(features, group.places[first:last])
            start = end
    if start != group.keys.num_rows:
        raise TableError(
            f"the files of {table.uri} changed while they were read; run the command again"
        )


def _rows_at_once(length: int) -> int:
    return max(1, ROW_GROUP_BYTES // (length * np.dtype(np.float32).itemsize))


def _matrix(features: pa.ChunkedArray, length: int) -> npt.NDArray[np.float32]:
    # Every row's length: with the right total on the wrong rows, features would slip.
    try:
        check_lengths(features, length)
    except TableError as error:
        raise TableError(f"{error}; check the table with pipelines.verify") from error
    values = features.combine_chunks().cast(FEATURE_TYPE).flatten().to_numpy(zero_copy_only=True)
    matrix: npt.NDArray[np.float32] = values.reshape(len(features), length)
    return matrix
