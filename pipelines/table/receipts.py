"""A digest of rows: what they hold, whatever the encoding of the file that holds them."""

import hashlib
import json

import pyarrow as pa

DIGESTED = ("image_id", "copy", "label", "split", "sha256")
DIGESTED_IF_THERE = ("imagenet_class", "imagenet_label", "imagenet_probability")


class RowDigest:
    """SHA-256 over rows in their order: identity, label, split, source hash, classes, features."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, rows: pa.Table) -> None:
        """Take the next rows, one row group; how rows are grouped is part of the digest."""
        names = [*DIGESTED, *(name for name in DIGESTED_IF_THERE if name in rows.column_names)]
        named = [rows.column(name).to_pylist() for name in names]
        self._hash.update(json.dumps(named, separators=(",", ":")).encode())
        for chunk in rows.column("features").chunks:
            self._hash.update(chunk.flatten().to_numpy(zero_copy_only=True).tobytes())

    def hexdigest(self) -> str:
        """The digest of all rows so far."""
        return self._hash.hexdigest()
