"""Sorting and cutting inputs that are columns, as `pipelines.planning.cutting` does objects."""

import hashlib
import itertools
import os
from collections.abc import Set as AbstractSet
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.images.inventory import BLOCK, Inventory
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
    if not any_in_order(Picked(inventory, places)):
        return []
    uris = inventory.uris.take(pa.array(places))
    found = pc.extract_regex(uris, UNPACKED_IN_ORDER)
    starts = pc.struct_field(found, "start").cast(pa.large_string()).cast(pa.int64())
    files = pc.struct_field(found, "file").dictionary_encode()
    names = [
        unquote(os.fsdecode(file), errors="surrogateescape")
        for file in files.dictionary.to_pylist()
    ]
    # What lies in no such file stands where a file of its id's name would.
    alone = np.flatnonzero(pc.is_null(found).to_numpy(zero_copy_only=False))
    names += inventory.ids.take(pa.array(places[alone])).to_pylist()
    codes = files.indices.fill_null(0).to_numpy().astype(np.int64)
    codes[alone] = len(files.dictionary) + np.arange(len(alone))
    ranks = {name: rank for rank, name in enumerate(sorted({*names}))}
    by_file = np.array([ranks[name] for name in names], np.int64)[codes]
    return [starts.fill_null(0).to_numpy(), by_file]


def any_in_order(refs: Picked) -> bool:
    """Whether any image lies in a file that is unpacked in order."""
    uris = refs.inventory.uris.take(pa.array(refs.places))
    return bool(pc.any(pc.match_substring_regex(uris, UNPACKED_IN_ORDER)).as_py())


def deal(refs: Picked, parts: int) -> list[Picked]:
    """Deal images, ascending by id, into so many parts by a hash of their ids; see `cut_parts`."""
    drawn = b"".join(map(_draws, (refs[at : at + BLOCK] for at in range(0, len(refs), BLOCK))))
    dealt = np.argsort(np.frombuffer(drawn, ">u8"), kind="stable")
    return [
        Picked(refs.inventory, refs.places[np.sort(dealt[first::parts])]) for first in range(parts)
    ]


def _draws(refs: Picked) -> bytes:
    ids: list[str] = refs.inventory.ids.take(pa.array(refs.places)).to_pylist()
    return b"".join(hashlib.sha256(b"part " + name.encode()).digest()[:8] for name in ids)
