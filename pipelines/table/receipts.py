"""A digest of rows: what they hold, whatever the encoding of the file that holds them."""

import hashlib
import json
from dataclasses import asdict, dataclass

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.contract import augmentation_from_json, contract_from_json
from pipelines.errors import TableError
from pipelines.records import Failure
from pipelines.table.schema import RECEIPT_KEY
from pipelines.untrusted import value_from_json

DIGESTED = ("image_id", "copy", "label", "split", "sha256")
DIGESTED_IF_THERE = ("imagenet_class", "imagenet_label", "imagenet_probability")


class RowDigest:
    """SHA-256 over rows in their order: identity, label, split, source hash, classes, features."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, rows: pa.Table) -> None:
        """Take the next rows, one row group; how rows are grouped is part of the digest."""
        self.add_names(rows)
        self.add_features(rows.column("features"))

    def add_names(self, rows: pa.Table) -> None:
        """Take all but the features of the next row group, whose features come after it."""
        names = [*DIGESTED, *(name for name in DIGESTED_IF_THERE if name in rows.column_names)]
        named = [rows.column(name).to_pylist() for name in names]
        self._hash.update(json.dumps(named, separators=(",", ":")).encode())

    def add_features(self, features: pa.ChunkedArray) -> None:
        """Take features of the row group's next rows."""
        for chunk in features.chunks:
            self._hash.update(chunk.flatten().to_numpy(zero_copy_only=True).tobytes())

    def hexdigest(self) -> str:
        """The digest of all rows so far."""
        return self._hash.hexdigest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a finished file says of itself in its footer.

    Attributes:
        run: the run that wrote it.
        shard: name of the shard.
        split: the one split of its rows.
        rows: number of rows.
        contract: canonical JSON of the contract of its features.
        feature_shape: shape of one image's features before flattening.
        engine: the engine that ran the base.
        digest: `RowDigest` of the rows, hexadecimal.
        failures: images of the shard that could not be used.
        augmentation: canonical JSON of the policy of its copies; None when it has none.
    """

    run: str
    shard: str
    split: str
    rows: int
    contract: str
    feature_shape: tuple[int, ...]
    engine: str
    digest: str
    failures: tuple[Failure, ...]
    augmentation: str | None = None


def receipt_to_json(receipt: Receipt) -> str:
    """The receipt as the footer keeps it."""
    return json.dumps(asdict(receipt), sort_keys=True)


def read_receipt(storage: pafs.FileSystem, path: str) -> Receipt | None:
    """Read a file's receipt; None for a Parquet file that this project did not write.

    Raises:
        TableError: the file is no finished Parquet file, or its footer contradicts itself.
    """
    try:
        with storage.open_input_file(path) as source:
            metadata = pq.read_metadata(source)
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path} is not a finished Parquet file: {error}") from error
    return receipt_in(metadata, path)


def receipt_in(metadata: pq.FileMetaData, path: str) -> Receipt | None:
    """The receipt in a footer that was read; None if it holds none.

    Raises:
        TableError: the footer contradicts itself, or is not of this version.
    """
    text = (metadata.metadata or {}).get(RECEIPT_KEY)
    if text is None:
        return None
    try:
        receipt = value_from_json(text, Receipt)
        contract_from_json(receipt.contract)
        if receipt.augmentation is not None:
            augmentation_from_json(receipt.augmentation)
    except ValueError as error:
        raise TableError(f"the receipt of {path} cannot be read: {error}") from error
    if receipt.rows != metadata.num_rows:
        raise TableError(f"{path} holds {metadata.num_rows} rows, its receipt says {receipt.rows}")
    return receipt
