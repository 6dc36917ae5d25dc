"""An index of unit vectors (HNSW, by usearch): built, brought up to other rows, measured, searched.

A vector goes by its key: a hash of the image's id and of its bytes. So an index knows, whatever a
table's version and however its files were merged, which of the images it has.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from classifiers.data.pooled import Floats
from classifiers.heads.neighbours import DIGITS, nearest, rows_of_block
from classifiers.nearest.finding import Places, Search
from pipelines.system.cores import usable_cores

Keys = npt.NDArray[np.uint64]

CONNECTIVITY, EXPANSION_ADD = 16, 128
EXPANSIONS = (128, 256, 512, 1024, 2048, 4096)
"""How many candidates a search keeps: the first that reaches `RECALL` is used from then on."""

ONE_BY_ONE = 1000
"""Vectors that a graph begins with, before several threads put in more."""

RECALL, NEIGHBOURS = 0.99, 10
GAIN = 0.002
"""Recall that a deeper search must gain to be worth its time, where none reaches `RECALL`."""

SLACK = 2 * 10.0**-DIGITS


def row_keys(ids: Sequence[str], hashes: Sequence[str]) -> Keys:
    """The keys of images, uint64 (n,).

    Args:
        ids: of the images.
        hashes: SHA-256 of their bytes.
    """
    texts = (f"{name}\0{content}".encode() for name, content in zip(ids, hashes, strict=True))
    digests = b"".join(hashlib.blake2b(text, digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, np.uint64)


class VectorIndex:
    """Unit vectors and the graph by which their nearest are found."""

    def __init__(self, index: Any, length: int) -> None:  # noqa: ANN401 - usearch's
        self._index, self._length = index, length

    @classmethod
    def new(cls, length: int) -> Self:
        """One without vectors.

        Args:
            length: of a vector.

        Raises:
            ModuleNotFoundError: usearch is not installed.
        """
        from usearch.index import Index

        # Of unit vectors the inner product is the cosine, and a row of zeros has one too.
        index = Index(
            ndim=length,
            metric="ip",
            dtype="f32",
            connectivity=CONNECTIVITY,
            expansion_add=EXPANSION_ADD,
        )
        return cls(index, length)

    @classmethod
    def read(cls, content: bytes, length: int, expansion: int) -> Self:
        """One that `content` was made of. It is believed: others' bytes must not come here.

        Args:
            content: what `content` gave.
            length: of a vector.
            expansion: candidates that a search keeps.
        """
        made = cls.new(length)
        made._index.load(content)
        made._index.expansion_search = expansion
        return made

    def content(self) -> bytes:
        """All of it, to be kept."""
        return bytes(self._index.save())

    @property
    def length(self) -> int:
        """Of a vector."""
        return self._length

    @property
    def expansion(self) -> int:
        """Candidates that a search keeps."""
        return int(self._index.expansion_search)

    @property
    def keys(self) -> Keys:
        """The keys of all vectors, uint64 (n,), in no order."""
        found: Keys = np.asarray(self._index.keys[:], np.uint64)
        return found

    def add(self, keys: Keys, vectors: Floats) -> None:
        """Add vectors, float32 (n, length) of length 1, whose keys it does not have."""
        # Threads that begin a graph together miss each other's vectors, which nobody finds then.
        first = max(0, ONE_BY_ONE - len(self._index))
        if len(keys[:first]):
            self._index.add(keys[:first], vectors[:first], threads=1)
        if len(keys[first:]):
            self._index.add(keys[first:], vectors[first:], threads=usable_cores())

    def remove(self, keys: Keys) -> None:
        """Take vectors out."""
        if len(keys):
            self._index.remove(keys)

    def vectors(self, keys: Keys) -> Floats:
        """Vectors of keys that it has, float32 (n, length)."""
        found: Floats = np.stack(self._index.get(keys)) if len(keys) else self._none()
        return found

    def measure(self, queries: Floats) -> float:
        """Choose how many candidates a search keeps.

        Args:
            queries: float32 (n, length), unit vectors that it does not have, n at least 1; those
                that it has are found more easily.

        Returns:
            The share of the ten nearest that it finds then.
        """
        keys = self.keys
        k = min(NEIGHBOURS, len(keys))
        step = rows_of_block(self._length)
        blocks = (self.vectors(keys[at : at + step]) for at in range(0, len(keys), step))
        least = nearest(blocks, queries, k)[0][:, -1:]
        recalls: dict[int, float] = {}
        for expansion in EXPANSIONS:
            self._index.expansion_search = expansion
            # As near as the tenth is as good as the tenth; the last digits are rounded differently.
            near = self._search(queries, k)[0] >= least - SLACK
            recalls[expansion] = float(near.mean())
            if recalls[expansion] >= RECALL:
                break
        enough = min(RECALL, max(recalls.values()) - GAIN)
        chosen = next(each for each in recalls if recalls[each] >= enough)
        self._index.expansion_search = chosen
        return recalls[chosen]

    def search_among(self, keys: Keys) -> Search:
        """The search that gives places in `keys`; of equal cosines the first place comes first.

        Args:
            keys: of the stored images, uint64 (stored,); it has them all, and no others.
        """
        order = np.argsort(keys)

        def search(queries: Floats, k: int) -> tuple[Floats, Places]:
            cosines, found = self._search(queries, k)
            at = np.searchsorted(keys, found, sorter=order).clip(max=len(keys) - 1)
            places = np.where(np.isfinite(cosines), order[at], -1)
            ranked = np.lexsort((places, -np.nan_to_num(cosines, nan=-np.inf)), axis=1)
            return np.take_along_axis(cosines, ranked, 1), np.take_along_axis(places, ranked, 1)

        return search

    def _search(self, queries: Floats, k: int) -> tuple[Floats, Keys]:
        """Cosines (n, k) and keys (n, k); NaN and 0 where it finds no more."""
        cosines = np.full((len(queries), k), np.nan, np.float32)
        keys = np.zeros((len(queries), k), np.uint64)
        matches = self._index.search(queries, k, threads=usable_cores())
        # Of one query it gives what it found, of several always k.
        found = np.atleast_2d(matches.keys)
        keys[:, : found.shape[1]] = found
        cosines[:, : found.shape[1]] = 1.0 - np.atleast_2d(matches.distances)
        return np.round(cosines, DIGITS), keys

    def _none(self) -> Floats:
        return np.empty((0, self._length), np.float32)
