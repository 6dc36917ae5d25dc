"""One hash of all that an input says of its images: equal hashes, equal inputs."""

import hashlib

import numpy as np
import pyarrow as pa

from pipelines.images.inventory import Coded, Inventory

FORM = b"1"
"""Of what is hashed; another whenever images are compared with rows by another rule."""

BLOCK = 1_048_576
"""Images that are hashed at once."""


def fingerprint(inventory: Inventory) -> str:
    """SHA-256 of ids, places, labels, splits, groups, sizes and times, hexadecimal.

    The order in which labels, splits and groups were met makes no difference.
    """
    found = hashlib.sha256(FORM + len(inventory).to_bytes(8, "little"))
    coded = [*map(_in_order, (inventory.labels, inventory.splits, inventory.groups))]
    for each in coded:
        _add_texts(found, pa.array(map(_told, each.values), pa.large_binary()))
    for start in range(0, len(inventory), BLOCK):
        here = slice(start, start + BLOCK)
        _add_texts(found, inventory.ids[here])
        _add_texts(found, inventory.uris[here])
        for codes in coded:
            found.update(np.ascontiguousarray(codes.codes[here], "<i4").data)
        for numbers in (inventory.sizes, inventory.modified, inventory.changed):
            found.update(np.ascontiguousarray(numbers[here], "<i8").data)
    return found.hexdigest()


def _add_texts(found: "hashlib._Hash", texts: pa.Array) -> None:
    """Lengths and bytes, so that no two lists of texts are told alike."""
    _, ends, content = texts.buffers()
    if not len(texts):
        return
    offsets = np.frombuffer(ends, "<i8")[texts.offset : texts.offset + len(texts) + 1]
    found.update(np.diff(offsets).data)
    if content is not None:
        found.update(memoryview(content)[offsets[0] : offsets[-1]])


def _told(value: str | None) -> bytes:
    return b"none" if value is None else b"is " + value.encode("utf-8", "surrogatepass")


def _in_order(coded: Coded) -> Coded:
    """The same column with its values in their order, and none that no row has."""
    used = np.unique(coded.codes)
    values = sorted({coded.values[code] for code in used}, key=_told)
    place = {value: code for code, value in enumerate(values)}
    codes = np.array([place.get(value, -1) for value in coded.values], np.int32)
    return Coded(codes[coded.codes], tuple(values))
