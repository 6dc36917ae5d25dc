"""What a table's rows say of their images, without the features."""

from typing import NamedTuple

import pyarrow as pa

from pipelines.system.garbage import collector_paused
from pipelines.table.rows import names_of
from pipelines.table.schema import GROUP


class StoredImage(NamedTuple):
    """What a table's row says of its image, without the features; made by the million.

    Attributes:
        path: the data file that holds the row.
        uri, label, split, sha256, bytes, modified, group: as in the row.
    """

    path: str
    uri: str
    label: str | None
    split: str
    sha256: str
    bytes: int
    modified: int
    group: str | None = None


@collector_paused()
def stored_images(keys: pa.Table) -> dict[str, StoredImage]:
    """Rows of `FeatureTable.keys` by name."""
    shared = [_shared_strings(keys.column(name)) for name in ("path", "label", "split", GROUP)]
    own = [keys.column(name).to_pylist() for name in ("uri", "sha256", "bytes", "modified")]
    path, label, split, group = shared
    uri, sha256, size, modified = own
    columns = (path, uri, label, split, sha256, size, modified, group)
    rows = map(StoredImage._make, zip(*columns, strict=True))
    return dict(zip(names_of(keys), rows, strict=True))


def splits_of(keys: pa.Table) -> dict[str, str]:
    """The split of each image that has a row, by its id.

    Args:
        keys: what `FeatureTable.keys` gives.
    """
    ids, splits = keys.column("image_id").to_pylist(), keys.column("split").to_pylist()
    return dict(zip(ids, splits, strict=True))


def _shared_strings(column: pa.ChunkedArray) -> list[str | None]:
    """A column of few values as Python strings, one for all rows that hold it."""
    encoded = column.combine_chunks().dictionary_encode()
    values = [*encoded.dictionary.to_pylist(), None]
    return [values[-1 if code is None else code] for code in encoded.indices.to_pylist()]
