"""The images of an input as columns: of ten million, an object each would be six gigabytes."""

import itertools
import os
from collections import defaultdict
from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.images.name_index import NameIndex, Places
from pipelines.records import ImageRef

BLOCK = 65_536
"""Images that are objects at once while columns are made of them, or they of columns."""

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of few values.

    Attributes:
        codes: of each row, the place of its value.
        values: each once.
    """

    codes: Codes
    values: tuple[str | None, ...]

    def code_of(self, values: Iterable[str | None]) -> Codes:
        """The codes that values have here; -1 for one that no row has."""
        known = {value: code for code, value in enumerate(self.values)}
        return np.array([known.get(value, -1) for value in values], np.int32)


@dataclass(frozen=True, eq=False)
class Inventory(Mapping[str, ImageRef]):
    """The images of an input by id, none of them an augmented copy; makes `ImageRef` on demand.

    Attributes:
        ids: `image_id` of each, unique.
        uris: `uri` of each, as the system encodes the names of files.
        labels, splits, groups: as in `ImageRef`.
        sizes: `bytes` of each.
        modified, changed: as in `ImageRef`.
    """

    ids: pa.LargeStringArray
    uris: pa.LargeBinaryArray
    labels: Coded
    splits: Coded
    groups: Coded
    sizes: Places
    modified: Places
    changed: Places

    @classmethod
    def of(cls, refs: Iterable[ImageRef]) -> Self:
        """Make columns of images; those that are made on the way are not held.

        Args:
            refs: no copies; their ids are unique.
        """
        ids, uris = [], []
        few = {name: _Coding() for name in ("label", "split", "group")}
        numbers: dict[str, list[Places]] = {"bytes": [], "modified": [], "changed": []}
        for block in _blocks(refs):
            ids.append(pa.array(map(attrgetter("image_id"), block), pa.large_string()))
            uris.append(as_bytes([ref.uri for ref in block]))
            for name, coding in few.items():
                coding.add(map(attrgetter(name), block))
            for name, parts in numbers.items():
                parts.append(np.fromiter(map(attrgetter(name), block), np.int64, len(block)))
        return cls(
            _whole(ids, pa.large_string()),
            _whole(uris, pa.large_binary()),
            few["label"].coded(),
            few["split"].coded(),
            few["group"].coded(),
            _joined(numbers["bytes"]),
            _joined(numbers["modified"]),
            _joined(numbers["changed"]),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        return (one for start in range(0, len(self), BLOCK) for one in self._ids_from(start))

    def __contains__(self, image_id: object) -> bool:
        return isinstance(image_id, str) and self.place(image_id) >= 0

    def __getitem__(self, image_id: str) -> ImageRef:
        place = self.place(image_id)
        if place < 0:
            raise KeyError(image_id)
        return next(self.refs(np.array([place])))

    def values(self) -> ValuesView[ImageRef]:
        """The images, made one after the other."""
        return _Values(self)

    def items(self) -> ItemsView[str, ImageRef]:
        """Ids and images, made one after the other."""
        return _Items(self)

    @cached_property
    def _index(self) -> NameIndex:
        return NameIndex(self.ids)

    def places(self, ids: pa.Array | pa.ChunkedArray) -> Places:
        """See `NameIndex.places`."""
        return self._index.places(ids)

    def place(self, image_id: str) -> int:
        """Where an image stands; -1 if it is not there."""
        if not image_id.isascii() and not _is_text(image_id):
            return -1
        return int(self.places(pa.array([image_id]))[0])

    def refs(self, places: Places) -> Iterator[ImageRef]:
        """The images at some places, made one after the other."""
        for start in range(0, len(places), BLOCK):
            part = places[start : start + BLOCK]
            taken = pa.array(part)
            few = [
                map(each.values.__getitem__, each.codes[part].tolist())
                for each in (self.labels, self.splits)
            ]
            groups = map(self.groups.values.__getitem__, self.groups.codes[part].tolist())
            yield from map(
                ImageRef,
                self.ids.take(taken).to_pylist(),
                map(os.fsdecode, self.uris.take(taken).to_pylist()),
                *few,
                *(each[part].tolist() for each in (self.sizes, self.modified, self.changed)),
                itertools.repeat(0),
                groups,
            )

    def _ids_from(self, start: int) -> list[str]:
        ids: list[str] = self.ids[start : start + BLOCK].to_pylist()
        return ids


class _Values(ValuesView[ImageRef]):
    def __init__(self, inventory: Inventory) -> None:
        super().__init__(inventory)
        self._inventory = inventory

    def __iter__(self) -> Iterator[ImageRef]:
        return self._inventory.refs(np.arange(len(self._inventory)))


class _Items(ItemsView[str, ImageRef]):
    def __init__(self, inventory: Inventory) -> None:
        super().__init__(inventory)
        self._inventory = inventory

    def __iter__(self) -> Iterator[tuple[str, ImageRef]]:
        return ((ref.image_id, ref) for ref in self._inventory.values())


class _Coding:
    """A column of few values while it is read."""

    def __init__(self) -> None:
        self._known = defaultdict[str | None, int](itertools.count().__next__)
        self._codes: list[Codes] = []

    def add(self, values: Iterable[str | None]) -> None:
        self._codes.append(np.array([*map(self._known.__getitem__, values)], np.int32))

    def coded(self) -> Coded:
        return Coded(np.concatenate([*self._codes, np.empty(0, np.int32)]), tuple(self._known))


def examples(images: Mapping[str, ImageRef]) -> Iterable[ImageRef]:
    """Images among which are all labels, all splits and all groups that there are.

    Args:
        images: by id.
    """
    if not isinstance(images, Inventory):
        return images.values()
    coded = (images.labels, images.splits, images.groups)
    firsts = [np.unique(each.codes, return_index=True)[1] for each in coded]
    return images.refs(np.unique(np.concatenate(firsts)))


def as_bytes(uris: list[str]) -> pa.LargeBinaryArray:
    """Names of files, or of objects, as the system encodes them."""
    try:
        return pa.array(uris, pa.large_binary())
    except UnicodeEncodeError:  # names that are not UTF-8
        return pa.array(map(os.fsencode, uris), pa.large_binary())


def _blocks(refs: Iterable[ImageRef]) -> Iterator[tuple[ImageRef, ...]]:
    refs = iter(refs)
    while block := tuple(itertools.islice(refs, BLOCK)):
        yield block


def _joined(parts: list[Places]) -> Places:
    return np.concatenate([*parts, np.empty(0, np.int64)])


def _whole(blocks: list[pa.Array], kind: pa.DataType) -> pa.Array:
    whole = pa.chunked_array(blocks, kind).combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
