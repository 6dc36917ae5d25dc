"""Sorting and cutting inputs that are columns, as `pipelines.planning.cutting` does objects."""

import hashlib
import itertools
from collections.abc import Set as AbstractSet
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.images.inventory import Inventory
from pipelines.images.name_index import Places
from pipelines.images.picked import Mask, Picked, mask_of
from pipelines.stores.members import UNPACKED_IN_ORDER


def kinds_of(
    inventory: Inventory,
    present: AbstractSet[str],
    finished: AbstractSet[str],
    failed: AbstractSet[tuple[str, int, int]],
) -> tuple[Picked, Picked, Picked, Picked]:
    """Inputs that are new, present, finished and known failures; see `cutting.sort_inputs`."""
    there = mask_of(inventory, present)
    done = mask_of(inventory, finished) & ~there
    lost = _failed(inventory, failed) & ~there & ~done
    masks = (~(there | done | lost), there, done, lost)
    new, held, ready, known = (Picked(inventory, np.flatnonzero(mask)) for mask in masks)
    return new, held, ready, known


def _failed(inventory: Inventory, failed: AbstractSet[tuple[str, int, int]]) -> Mask:
    mask = np.zeros(len(inventory), np.bool_)
    if failed:
        ids, sizes, times = zip(*failed, strict=True)
        places = inventory.places(pa.array(ids, pa.string()))
        found = places >= 0
        places = places[found]
        unchanged = inventory.sizes[places] == np.array(sizes, np.int64)[found]
        unchanged &= inventory.modified[places] == np.array(times, np.int64)[found]
        mask[places[unchanged]] = True
    return mask


def in_reading_order(refs: Picked) -> list[tuple[str, Picked]]:
    """Images, ascending by id, of each split, in the order in which they are best read."""
    inventory, places = refs.inventory, refs.places
    names = [name or "" for name in inventory.splits.values]
    ranks = np.argsort(np.argsort(np.array(names, np.object_), kind="stable"))
    split = ranks[inventory.splits.codes[places]]
    order = np.lexsort((*_reading_keys(inventory, places), split))
    ordered, split = places[order], split[order]
    starts = [0, *(np.flatnonzero(np.diff(split)) + 1), len(ordered)] if len(ordered) else [0]
    return [
        (names[inventory.splits.codes[ordered[start]]], Picked(inventory, ordered[start:end]))
        for start, end in itertools.pairwise(starts)
    ]


def _reading_keys(inventory: Inventory, places: Places) -> list[Places]:
    """Sort keys, the last the first to sort by; none where the order of ids is that of reading."""
    found = pc.extract_regex(
        inventory.uris.take(pa.array(places)).cast(pa.large_string()), UNPACKED_IN_ORDER
    )
    if found.null_count == len(found):
        return []
    # What lies in no such file is read as a file of its id's name would be.
    files = pc.coalesce(pc.struct_field(found, "file"), inventory.ids.take(pa.array(places)))
    starts = pc.fill_null(pc.struct_field(found, "start").cast(pa.int64()), 0)
    encoded = files.dictionary_encode()
    quoted = pc.is_valid(found).to_numpy(zero_copy_only=False)
    names = encoded.dictionary.to_pylist()
    codes = encoded.indices.to_numpy()
    packed = np.zeros(len(names), np.bool_)
    packed[codes[quoted]] = True
    plain = [
        unquote(name, errors="surrogateescape") if is_packed else name
        for name, is_packed in zip(names, packed, strict=True)
    ]
    ranks = {name: rank for rank, name in enumerate(sorted({*plain}))}
    rank_of = np.array([ranks[name] for name in plain], np.int64)
    return [starts.to_numpy(), rank_of[codes]]


def deal(refs: Picked, parts: int) -> list[Picked]:
    """Deal images, ascending by id, into so many parts by a hash of their ids; see `cut_parts`."""
    ids: list[str] = refs.inventory.ids.take(pa.array(refs.places)).to_pylist()
    drawn = b"".join(hashlib.sha256(b"part " + name.encode()).digest()[:8] for name in ids)
    dealt = np.argsort(np.frombuffer(drawn, ">u8"), kind="stable")
    return [
        Picked(refs.inventory, refs.places[np.sort(dealt[first::parts])]) for first in range(parts)
    ]
