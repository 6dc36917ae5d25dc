"""Some of an input's images, named by their places: eight bytes each, or one bit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.images.inventory import Coded, Inventory
from pipelines.images.name_index import Places
from pipelines.records import ImageRef

PREFIX = b"prefix"
"""In the metadata of packed columns: what stands before each id in its URI."""

Mask = npt.NDArray[np.bool_]


class Picked(Sequence[ImageRef]):
    """Images of an inventory in some order; makes `ImageRef` on demand.

    Attributes:
        inventory: what they are of.
        places: where each stands there.
    """

    def __init__(self, inventory: Inventory, places: Places, packed: bytes | None = None) -> None:
        self.inventory, self.places = inventory, places
        # Runners send a shard on from stage to stage: what came packed goes on as it came.
        self._packed = packed

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, place: int) -> ImageRef: ...
    @overload
    def __getitem__(self, place: slice) -> "Picked": ...
    def __getitem__(self, place: int | slice) -> "ImageRef | Picked":
        if isinstance(place, slice):
            return Picked(self.inventory, self.places[place])
        return next(self.inventory.refs(self.places[[place]]))

    def __iter__(self) -> Iterator[ImageRef]:
        return self.inventory.refs(self.places)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, tuple[bytes]]:
        """What a worker gets: these images alone, their columns compressed."""
        return _unpacked, (self._packed or _packed(self),)


class Names(AbstractSet[str]):
    """Ids of an inventory's images, a bit for each of them all.

    Attributes:
        inventory: what they are of.
        mask: whether each image is one of them.
    """

    def __init__(self, inventory: Inventory, mask: Mask) -> None:
        self.inventory, self.mask = inventory, mask

    @classmethod
    def _from_iterable(cls, it: Iterable[str]) -> AbstractSet[str]:  # type: ignore[override]
        return frozenset(it)

    def __len__(self) -> int:
        return int(np.count_nonzero(self.mask))

    def __bool__(self) -> bool:
        return bool(self.mask.any())

    def __contains__(self, name: object) -> bool:
        place = self.inventory.place(name) if isinstance(name, str) else -1
        return place >= 0 and bool(self.mask[place])

    def __iter__(self) -> Iterator[str]:
        return (ref.image_id for ref in self.picked())

    def __or__(self, other: AbstractSet[str]) -> AbstractSet[str]:  # type: ignore[override]
        if isinstance(other, Names) and other.inventory is self.inventory:
            return Names(self.inventory, self.mask | other.mask)
        places = self.inventory.places(pa.array(list(other), pa.string()))
        if (places < 0).any():
            return frozenset(self).union(other)
        mask = self.mask.copy()
        mask[places] = True
        return Names(self.inventory, mask)

    __ror__ = __or__

    def picked(self) -> Picked:
        """The images of these names, in the inventory's order."""
        return Picked(self.inventory, np.flatnonzero(self.mask))


class Selected(Mapping[str, ImageRef]):
    """The images of some names, by id.

    Attributes:
        names: which.
    """

    def __init__(self, names: Names) -> None:
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> ImageRef:
        if name not in self.names:
            raise KeyError(name)
        return self.names.inventory[name]


def among(inputs: Mapping[str, ImageRef], names: Iterable[str]) -> dict[str, ImageRef]:
    """Those of some names that inputs have, in that order; an inventory is searched once."""
    names = list(names)
    if isinstance(inputs, Selected):
        inventory, mask = inputs.names.inventory, inputs.names.mask
    elif isinstance(inputs, Inventory):
        inventory, mask = inputs, None
    else:
        return {name: inputs[name] for name in names if name in inputs}
    places = inventory.places(pa.array(names, pa.string()))
    places = places[places >= 0]
    if mask is not None:
        places = places[mask[places]]
    return {ref.image_id: ref for ref in inventory.refs(places)}


def whole(inventory: Inventory) -> Picked:
    """All images of an inventory."""
    return Picked(inventory, np.arange(len(inventory)))


def every(inputs: Mapping[str, ImageRef]) -> Iterable[ImageRef]:
    """All images."""
    return whole(inputs) if isinstance(inputs, Inventory) else inputs.values()


def by_id(refs: Sequence[ImageRef]) -> Mapping[str, ImageRef]:
    """Images, ascending by id, as columns; as objects where one has a name that is no file's.

    Args:
        refs: what `list_images` gives.
    """
    if isinstance(refs, Picked) and len(refs) == len(refs.inventory):
        return refs.inventory
    try:
        return Inventory.of(refs)
    except UnicodeEncodeError:
        return {ref.image_id: ref for ref in refs}


def picked(inputs: Mapping[str, ImageRef], names: AbstractSet[str]) -> Iterable[ImageRef]:
    """The images of some names, all of which inputs have."""
    if isinstance(inputs, Inventory):
        return Picked(inputs, np.flatnonzero(mask_of(inputs, names)))
    return (inputs[name] for name in names)


def without(refs: Sequence[ImageRef], names: AbstractSet[str]) -> Iterable[ImageRef]:
    """Images but for those of some names."""
    if isinstance(refs, Picked):
        stay = ~mask_of(refs.inventory, names)[refs.places]
        return Picked(refs.inventory, refs.places[stay])
    return (ref for ref in refs if ref.name not in names)


def joined(parts: Sequence[Sequence[ImageRef]]) -> Sequence[ImageRef]:
    """The images of several sequences as one."""
    first = parts[0] if parts else ()
    if isinstance(first, Picked):
        same = [p.places for p in parts if isinstance(p, Picked) and p.inventory is first.inventory]
        if len(same) == len(parts):
            return Picked(first.inventory, np.concatenate(same))
    return [ref for part in parts for ref in part]


def mask_of(inventory: Inventory, names: AbstractSet[str]) -> Mask:
    """Whether each image of an inventory has one of some names."""
    if isinstance(names, Names) and names.inventory is inventory:
        return names.mask
    mask = np.zeros(len(inventory), np.bool_)
    if not names:  # which need no index
        return mask
    places = inventory.places(pa.array(list(names), pa.string()))
    mask[places[places >= 0]] = True
    return mask


def _packed(picked: Picked) -> bytes:
    inventory, places = picked.inventory, picked.places
    taken = pa.array(places)
    ids, uris = inventory.ids.take(taken), inventory.uris.take(taken)
    prefix = _prefix(ids, uris)
    columns = {"ids": ids} if prefix is not None else {"ids": ids, "uris": uris}
    for name in ("labels", "splits", "groups"):
        coded: Coded = getattr(inventory, name)
        used, codes = np.unique(coded.codes[places], return_inverse=True)
        values = pa.array([coded.values[code] for code in used], pa.string())
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), values)
    modified = inventory.modified[places]
    columns["sizes"] = pa.array(inventory.sizes[places])
    columns["modified"] = pa.array(modified)
    columns["later"] = pa.array(inventory.changed[places] - modified)  # most often nothing
    table = pa.table(columns).replace_schema_metadata({PREFIX: prefix or b""})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _prefix(ids: pa.LargeStringArray, uris: pa.LargeBinaryArray) -> bytes | None:
    """What stands before each id in its URI, if that is the same and there is nothing else."""
    if not len(ids):
        return None
    uri: bytes = uris[0].as_py()
    prefix = uri.removesuffix(ids[0].as_py().encode())
    same = pc.all(pc.equal(_prefixed(pa.scalar(prefix, pa.large_binary()), ids), uris)).as_py()
    return prefix if same else None


def _prefixed(prefix: pa.Scalar, ids: pa.LargeStringArray) -> pa.LargeBinaryArray:
    nothing = pa.scalar(b"", pa.large_binary())
    return pc.binary_join_element_wise(prefix, ids.cast(pa.large_binary()), nothing)


def _unpacked(content: bytes) -> Picked:
    table = pa.ipc.open_stream(content).read_all()
    arrays = {name: table.column(name).combine_chunks() for name in table.column_names}
    labels, splits, groups = (
        Coded(arrays[name].indices.to_numpy(), tuple(arrays[name].dictionary.to_pylist()))
        for name in ("labels", "splits", "groups")
    )
    sizes, modified, later = (arrays[name].to_numpy() for name in ("sizes", "modified", "later"))
    uris = arrays.get("uris")
    if uris is None:
        prefix = pa.scalar(table.schema.metadata[PREFIX], pa.large_binary())
        uris = _prefixed(prefix, arrays["ids"])
    inventory = Inventory(
        *(arrays["ids"], uris, labels, splits, groups, sizes, modified, modified + later)
    )
    return Picked(inventory, np.arange(len(inventory)), content)
