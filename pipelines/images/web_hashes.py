"""Hashes of the web's images, kept with the state that the server gave each of them."""

import hashlib
import threading
from dataclasses import asdict
from typing import Any

from pipelines.stores.reading import sha256_of
from pipelines.stores.validators import Validator
from pipelines.stores.web import ask_url
from pipelines.stores.web_addresses import is_web
from pipelines.system.cached_json import keep_json, kept_json

DIGITS = 3
"""Of a URL's hash, which name a file in the cache: 4,096 files, 250 URLs each in a million."""


class WebHashes:
    """The hash of an image wherever it is; one of the web is fetched only if its state is another.

    What servers said is kept in the cache. Without it every image is fetched, as the first time.
    """

    def __init__(self, most: int) -> None:
        """Begin with what the cache has; `most` bytes are taken of an image."""
        self._most = most
        self._locks = [threading.Lock() for _ in range(16)]

    def sha256_of(self, uri: str) -> str:
        """SHA-256 of an image's bytes, hexadecimal.

        Raises:
            OSError: as `pipelines.stores.reading.sha256_of`.
        """
        if not is_web(uri):
            return sha256_of(uri, self._most)
        key = hashlib.sha256(uri.encode("utf-8", "surrogateescape")).hexdigest()
        known = _kept(key).get(key)
        answer = ask_url(uri, self._most, known and Validator(**known["validator"]))
        if known is not None and answer.content is None:
            return str(known["sha256"])
        assert answer.content is not None
        found = hashlib.sha256(answer.content).hexdigest()
        if answer.validator is not None:
            entry = {"sha256": found, "validator": asdict(answer.validator)}
            with self._locks[int(key[:DIGITS], 16) % len(self._locks)]:
                keep_json(_name(key), {**_kept(key), key: entry})
        return found


def _name(key: str) -> str:
    return f"web/{key[:DIGITS]}.json"


def _kept(key: str) -> dict[str, Any]:
    return kept_json(_name(key)) or {}
