"""Writing one shard's Parquet file, whose footer is its receipt, and reading that receipt."""

import contextlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.contract import Contract
from pipelines.records import FeatureBlock, SourceImage, labels_of, storable
from pipelines.table.likeliest import likeliest_classes
from pipelines.table.precision import round_mantissa
from pipelines.table.receipts import Receipt, RowDigest, receipt_to_json
from pipelines.table.schema import (
    FEATURE_SCHEMA,
    FEATURE_TYPE,
    GROUP,
    LABELS,
    NONE_ADDED,
    RECEIPT_KEY,
    with_added,
)

ROW_GROUP_BYTES = 8 * 2**20
"""Raw features a row group holds; what a writer buffers, and what a reader decodes at once."""

ZSTD_LEVEL = 1
"""On float32 features smaller than level 3 (0.205 of the raw size against 0.213), and faster."""


class FeatureFileWriter:
    """Writes the rows of one shard behind the base's back: a thread encodes while the base runs.

    At most two row groups are held in memory. The file appears under its name only when `close`
    has written the receipt; an abandoned writer leaves nothing that could be taken for a result.
    """

    def __init__(
        self,
        storage: pafs.FileSystem,
        path: str,
        contract: Contract,
        added: pa.Schema = NONE_ADDED,
    ) -> None:
        """Open the file.

        Args:
            storage: filesystem of the table's folder.
            path: where in it; must be new.
            contract: says how features are rounded before they are written, and the columns.
            added: columns after them: that of groups, and what rows of other files may have.
        """
        self._precision = contract.precision
        self._schema = with_added(contract, added)
        self._storage, self._path = storage, path
        self._closed = False
        self._sink = storage.open_output_stream(path)
        self._parquet = pq.ParquetWriter(
            self._sink,
            self._schema,
            compression="zstd",
            compression_level=ZSTD_LEVEL,
            use_dictionary=["label", "split"],
            write_statistics=["image_id", "copy", "label", "split"],
            write_page_checksum=True,
        )
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._writing: Future[None] | None = None
        self._pending: list[FeatureBlock | pa.Table] = []
        self._digest = RowDigest()
        self._pending_bytes = 0
        self.rows = 0

    def write(self, block: FeatureBlock) -> None:
        """Take new rows; they are written a row group at a time."""
        if block.sources:
            self._take(block, len(block.sources), block.features.nbytes)

    def write_rows(self, rows: pa.Table) -> None:
        """Take rows of another file of the same contract, in this one's columns, as they are."""
        if rows.num_rows:
            self._take(rows, rows.num_rows, rows.nbytes)

    def _take(self, rows: FeatureBlock | pa.Table, count: int, size: int) -> None:
        self._pending.append(rows)
        self._pending_bytes += size
        self.rows += count
        if self._pending_bytes >= ROW_GROUP_BYTES:
            self._write_pending()

    def close(self, receipt: Receipt) -> Receipt:
        """Write what is left and the receipt; only now does the file count.

        Returns:
            The receipt as written, with the rows and the digest filled in.
        """
        if self._pending:
            self._write_pending()
        self._wait()
        receipt = replace(receipt, rows=self.rows, digest=self._digest.hexdigest())
        self._parquet.add_key_value_metadata({RECEIPT_KEY: receipt_to_json(receipt)})
        self._parquet.close()
        self._sink.close()
        self._thread.shutdown()
        self._closed = True
        return receipt

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        if not self._closed:
            # Both would finish the file when they are collected; without a receipt it is waste.
            with contextlib.suppress(OSError, pa.ArrowException):
                self._parquet.close()
            with contextlib.suppress(OSError, pa.ArrowException):
                self._sink.close()
            with contextlib.suppress(OSError, pa.ArrowException):
                self._storage.delete_file(self._path)

    def _write_pending(self) -> None:
        self._wait()
        blocks, self._pending, self._pending_bytes = self._pending, [], 0
        self._writing = self._thread.submit(self._write_group, blocks)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _write_group(self, parts: list[FeatureBlock | pa.Table]) -> None:
        tables = [self._as_rows(part) for part in parts]
        rows = pa.concat_tables(tables).combine_chunks()
        self._digest.add(rows)
        self._parquet.write_table(rows, row_group_size=rows.num_rows)

    def _as_rows(self, part: FeatureBlock | pa.Table) -> pa.Table:
        if isinstance(part, pa.Table):
            return part
        features = round_mantissa(part.features, self._precision)
        return feature_rows(part.sources, features, self._schema)


def feature_rows(
    sources: Sequence[SourceImage],
    features: npt.NDArray[np.float32],
    schema: pa.Schema = FEATURE_SCHEMA,
) -> pa.Table:
    """Rows of the feature table.

    Args:
        sources: where they come from.
        features: float32 (rows, length).
        schema: what `feature_schema` gives for their contract, and perhaps some of `OPTIONAL`.
    """
    rows, length = features.shape
    refs = [source.ref for source in sources]
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(length))
    values = pa.array(np.ascontiguousarray(features).reshape(-1))
    columns: dict[str, Any] = {
        "image_id": [ref.image_id for ref in refs],
        "copy": np.array([ref.copy for ref in refs], np.int32),
        "label": [None if labels_of(ref.label) is not None else ref.label for ref in refs],
        "split": [ref.split for ref in refs],
        "features": pa.ListArray.from_arrays(offsets, values, type=FEATURE_TYPE),
        "uri": [storable(ref.uri) for ref in refs],
        "sha256": [source.sha256 for source in sources],
        "bytes": [source.bytes for source in sources],
        "modified": [ref.modified for ref in refs],
        "width": [source.width for source in sources],
        "height": [source.height for source in sources],
    }
    if "imagenet_class" in schema.names:
        columns |= likeliest_classes(features)
    if GROUP in schema.names:
        columns[GROUP] = [ref.group for ref in refs]
    if LABELS in schema.names:
        columns[LABELS] = [labels_of(ref.label) for ref in refs]
    return pa.table(columns, schema=schema)
