"""Holding the inputs against a table's rows: what is new, what changed, what is gone.

A content hash is the authority. Size and times only spare the reading: a row counts as unchanged
without it when the file's place, size and time of change are the row's, and its attributes, whose
time no tool sets back, are older than the run that wrote the row. The rest is read and hashed.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from pipelines.records import ImageRef, image_of, is_copy, storable
from pipelines.stores.reading import read_bytes
from pipelines.system.garbage import collector_paused
from pipelines.system.threads import map_ahead
from pipelines.table.names import run_began, run_of_path
from pipelines.table.rows import names_of

HASHING_THREADS = 8


class StoredImage(NamedTuple):
    """What a table's row says of its image, without the features; made by the million.

    Attributes:
        path: the data file that holds the row.
        uri, label, split, sha256, bytes, modified: as in the row.
    """

    path: str
    uri: str
    label: str | None
    split: str
    sha256: str
    bytes: int
    modified: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Names of inputs and rows, by what became of them since the rows were written.

    Attributes:
        new: inputs without a row.
        same: inputs whose row is right.
        relabelled: inputs whose bytes are the row's, but not label or split.
        changed: inputs whose bytes are no longer the row's.
        vanished: rows without an input.
        stray: copies of images of the input that may have none, having left the training split.
        hashed: how many inputs had to be read to tell.
    """

    new: frozenset[str]
    same: frozenset[str]
    relabelled: frozenset[str]
    changed: frozenset[str]
    vanished: frozenset[str]
    stray: frozenset[str]
    hashed: int


class ContentHashes:
    """Hashes of inputs' bytes, each file read once a run, by its place."""

    def __init__(self, read: Callable[[str], bytes] = read_bytes) -> None:
        self._read = read
        self._known: dict[str, str | None] = {}

    def of(self, refs: Iterable[ImageRef]) -> Mapping[str, str | None]:
        """SHA-256 of each input's bytes, hexadecimal, by `uri`; None where they cannot be read."""
        missing = list(dict.fromkeys(ref.uri for ref in refs if ref.uri not in self._known))
        hashes = map_ahead(self._hash, missing, HASHING_THREADS, HASHING_THREADS * 4)
        self._known.update(zip(missing, hashes, strict=True))
        return self._known

    def _hash(self, uri: str) -> str | None:
        try:
            return hashlib.sha256(self._read(uri)).hexdigest()
        except OSError:
            return None


@collector_paused()
def stored_images(keys: pa.Table) -> dict[str, StoredImage]:
    """Rows of `FeatureTable.keys` by name."""
    shared = [_shared_strings(keys.column(name)) for name in ("path", "label", "split")]
    own = [keys.column(name).to_pylist() for name in ("uri", "sha256", "bytes", "modified")]
    path, label, split = shared
    uri, sha256, size, modified = own
    columns = (path, uri, label, split, sha256, size, modified)
    rows = map(StoredImage._make, zip(*columns, strict=True))
    return dict(zip(names_of(keys), rows, strict=True))


def _shared_strings(column: pa.ChunkedArray) -> list[str | None]:
    """A column of few values as Python strings, one for all rows that hold it."""
    encoded = column.combine_chunks().dictionary_encode()
    values = [*encoded.dictionary.to_pylist(), None]
    return [values[-1 if code is None else code] for code in encoded.indices.to_pylist()]


@collector_paused()
def compare(
    inputs: Mapping[str, ImageRef],
    stored: Mapping[str, StoredImage],
    hashes: ContentHashes,
    run: str = "",
) -> Comparison:
    """Sort inputs and rows by what became of them.

    Args:
        inputs: the rows wanted, by name.
        stored: the table's rows, by name.
        hashes: for inputs whose signs leave doubt.
        run: this run's id; a row it wrote is right, whatever became of the image since.
    """
    same: set[str] = set()
    relabelled: set[str] = set()
    doubtful: list[ImageRef] = []
    for name, ref in inputs.items():
        row = stored.get(name)
        if row is None:
            continue
        if run_of_path(row.path) != run and not signs_agree(ref, row):
            doubtful.append(ref)
        elif ref.label == row.label and ref.split == row.split:
            same.add(name)
        else:
            relabelled.add(name)
    changed: set[str] = set()
    known = hashes.of(doubtful)
    for ref in doubtful:
        name = ref.name
        row = stored[name]
        if known[ref.uri] != row.sha256:
            changed.add(name)
        elif (ref.label, ref.split) == (row.label, row.split):
            same.add(name)
        else:
            relabelled.add(name)
    without = stored.keys() - inputs.keys()
    stray = frozenset(name for name in without if is_copy(name) and image_of(name) in inputs)
    return Comparison(
        new=frozenset(inputs.keys() - stored.keys()),
        same=frozenset(same),
        relabelled=frozenset(relabelled),
        changed=frozenset(changed),
        vanished=frozenset(without) - stray,
        stray=stray,
        hashed=len({ref.uri for ref in doubtful}),
    )


def signs_agree(ref: ImageRef, row: StoredImage) -> bool:
    """Whether an input is a row's image for certain, without reading it."""
    if ref.bytes != row.bytes or ref.modified != row.modified:
        return False
    if ref.uri != row.uri and storable(ref.uri) != row.uri:
        return False
    return 0 < ref.changed < run_began(run_of_path(row.path))
