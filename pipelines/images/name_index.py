"""Finding many ids among millions at once, without an object for each."""

import hashlib
import secrets

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

BLOCK = 65_536
"""Ids that are hashed at once: a matrix of their bytes is held."""

LONGEST = 1024
"""Bytes of the longest id that is hashed beside others; a longer one, which takes no file's name,
stands there with its digest, lest one alone make the matrix as wide."""

MANY = 1_048_576
"""Ids that are searched for at once."""

Places = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
_WORD = 8
_MIX = np.uint64(0x9E3779B97F4A7C15)
"""Odd, its bits as good as random: 2^64 over the golden ratio (Knuth, volume 3, section 6.4)."""

_SEED = np.uint64(secrets.randbits(64))
"""Another in each process, so that nobody can name files whose hashes are all alike."""


class NameIndex:
    """Where each of many distinct ids stands: sixteen bytes an id besides the ids themselves."""

    def __init__(self, ids: pa.LargeStringArray) -> None:
        """Index ids, none of them null."""
        self._ids = ids
        hashes = hashes_of(ids)
        self._order = np.argsort(hashes, kind="stable")
        self._sorted = hashes[self._order]

    def places(self, ids: pa.Array | pa.ChunkedArray) -> Places:
        """Where each of some ids stands; -1 for one that is not there.

        Args:
            ids: strings, none of them null.
        """
        if isinstance(ids, pa.ChunkedArray):
            parts = (ids[start : start + MANY] for start in range(0, len(ids), MANY))
            each = [self.places(part.combine_chunks()) for part in parts]
            return np.concatenate([*each, np.empty(0, np.int64)])
        wanted = ids.cast(pa.large_string())
        found = np.full(len(wanted), -1, np.int64)
        if not len(self._ids) or not len(wanted):
            return found
        hashes = hashes_of(wanted)
        # In the order of their hashes they are searched for where the last one was.
        open_ = np.argsort(hashes, kind="stable")
        at = np.searchsorted(self._sorted, hashes[open_])
        while len(open_):
            there = at < len(self._sorted)
            there[there] = self._sorted[at[there]] == hashes[open_[there]]
            open_, at = open_[there], at[there]
            places = self._order[at]
            alike = pc.equal(self._ids.take(pa.array(places)), wanted.take(pa.array(open_)))
            equal = alike.to_numpy(zero_copy_only=False)
            found[open_[equal]] = places[equal]
            open_, at = open_[~equal], at[~equal] + 1  # two ids of one hash stand side by side
        return found


def hashes_of(texts: pa.Array | pa.ChunkedArray) -> Hashes:
    """A hash of each text, the same for the same text in this process alone."""
    hashes = np.empty(len(texts), np.uint64)
    for start in range(0, len(texts), BLOCK):
        block = texts[start : start + BLOCK]
        block = block.combine_chunks() if isinstance(block, pa.ChunkedArray) else block
        short = _shortened(block.cast(pa.large_string()))
        hashes[start : start + BLOCK] = _hashes_of_block(short)
    return hashes


def _shortened(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    long = pc.greater(pc.binary_length(texts), LONGEST)
    if not pc.any(long).as_py():
        return texts
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in texts.filter(long).to_pylist()]
    return pc.replace_with_mask(texts, long, pa.array(digests, pa.large_string()))


def _hashes_of_block(ids: pa.LargeStringArray) -> Hashes:
    _, ends, content = ids.buffers()
    offsets = np.frombuffer(ends, np.int64)[ids.offset : ids.offset + len(ids) + 1]
    lengths = np.diff(offsets)
    words = -(-int(lengths.max(initial=0)) // _WORD)
    padded = np.zeros((len(ids), words * _WORD), np.uint8)
    if words:
        characters = np.frombuffer(content, np.uint8)[offsets[0] : offsets[-1]]
        padded[np.arange(words * _WORD) < lengths[:, None]] = characters
    hashes: Hashes = lengths.astype(np.uint64) ^ _SEED
    for number in range(words):
        mixed = (hashes ^ padded.view(np.uint64)[:, number]) * _MIX
        mixed ^= mixed >> np.uint64(29)
        # What an id's neighbours are padded to must not tell.
        hashes = np.where(lengths > number * _WORD, mixed, hashes)
    return hashes
