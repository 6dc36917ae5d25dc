"""Hashes of images' bytes, each file read once."""

from collections.abc import Callable, Iterable, Mapping

from pipelines.records import ImageRef
from pipelines.stores.members import place_of
from pipelines.stores.reading import sha256_of
from pipelines.system.threads import map_ahead

HASHING_THREADS = 8


class ContentHashes:
    """Hashes of inputs' bytes, each file read once a run, by its place.

    Attributes:
        errors: by `uri`, why an input could not be read.
    """

    def __init__(self, hash_of: Callable[[str], str] = sha256_of) -> None:
        """Begin with none; `hash_of` gives the one of a file or object."""
        self._hash_of = hash_of
        self._known: dict[str, str | None] = {}
        self.errors: dict[str, OSError] = {}

    def of(self, refs: Iterable[ImageRef]) -> Mapping[str, str | None]:
        """SHA-256 of each input's bytes, hexadecimal, by `uri`; None where they cannot be read."""
        missing = list(dict.fromkeys(ref.uri for ref in refs if ref.uri not in self._known))
        missing.sort(key=lambda uri: place_of(uri) or ("", 0))
        hashes = map_ahead(self._hash, missing, HASHING_THREADS, HASHING_THREADS * 4)
        self._known.update(zip(missing, hashes, strict=True))
        return self._known

    def _hash(self, uri: str) -> str | None:
        try:
            return self._hash_of(uri)
        except OSError as error:
            self.errors[uri] = error.with_traceback(None)
            return None
