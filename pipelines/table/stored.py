"""What a table's rows say of their images, without the features."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.images.name_index import Places
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


class StoredRows(Mapping[str, StoredImage]):
    """The rows of a table without copies, by name, made when they are asked for.

    Attributes:
        rows: what `FeatureTable.keys` gives.
        places: of each row, where its image stands in the input's inventory; -1 where it does not.
    """

    def __init__(self, keys: pa.Table, places: Places) -> None:
        self.rows, self.places = keys, places
        gone = keys.column("image_id").filter(pa.array(places < 0))
        met = np.zeros(places.max(initial=-1) + 2, np.bool_)
        met[places] = True  # of -1 the last
        self._distinct = np.count_nonzero(met[:-1]) + pc.count_distinct(gone).as_py()
        self._made: dict[str, StoredImage] = {}

    def __len__(self) -> int:
        return int(self._distinct)

    def __iter__(self) -> Iterator[str]:
        return (name for batch in self.rows["image_id"].chunks for name in batch.to_pylist())

    def __getitem__(self, name: str) -> StoredImage:
        if name not in self._made:
            self.of([name])
        return self._made[name]

    def of(self, names: Collection[str]) -> dict[str, StoredImage]:
        """The rows of some names, of those that there are; found all at once."""
        missing = [name for name in names if name not in self._made]
        if missing:
            wanted = pc.is_in(self.rows["image_id"], pa.array(missing, pa.string()))
            self.where(wanted)
        return {name: self._made[name] for name in names if name in self._made}

    def of_files(self, paths: Collection[str]) -> dict[str, StoredImage]:
        """The rows that some files hold."""
        return self.where(pc.is_in(self.rows["path"], pa.array(sorted(paths), pa.string())))

    def where(self, mask: pa.Array | pa.ChunkedArray) -> dict[str, StoredImage]:
        """The rows for which a mask of all of them is true; they are held from now on."""
        rows = stored_images(self.rows.filter(mask))
        self._made.update(rows)
        return rows


class UnreadRows(Mapping[str, StoredImage]):
    """Rows by name of which it is known how many there are; read when one is asked for."""

    def __init__(self, keys: Callable[[], pa.Table], count: int) -> None:
        """Take what reads the keys of a table without copies, and how many rows it has."""
        self._keys, self._count = keys, count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __getitem__(self, name: str) -> StoredImage:
        return self._rows[name]

    @cached_property
    def _rows(self) -> dict[str, StoredImage]:
        return stored_images(self._keys())


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
