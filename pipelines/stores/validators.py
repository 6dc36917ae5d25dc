"""What a server says of an image's state, so that it need not be fetched again (RFC 9110, 8.8)."""

import email.utils
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

SETTLED = 60.0
"""Seconds after which a time of change stands for one content: two may fall into one second."""


@dataclass(frozen=True, slots=True)
class Validator:
    """The state of what was fetched.

    Attributes:
        place: SHA-256 of the URL that answered, hexadecimal: that of a redirect may hold secrets.
        etag: the server's name of the state, byte for byte; empty if it gave none.
        modified: when it last changed, as the server wrote it; empty if it did not say.
    """

    place: str
    etag: str
    modified: str


def validator_of(url: str, headers: Mapping[str, str]) -> Validator | None:
    """What an answer says of the state of its content; None if that would not stand for every byte.

    Args:
        url: that answered.
        headers: of the answer.
    """
    etag = headers.get("ETag", "").strip()
    if not etag.startswith('"'):  # W/"..." stands for contents that are alike, not equal
        etag = ""
    modified = headers.get("Last-Modified", "").strip()
    if not _is_settled(modified, headers.get("Date", "")):
        modified = ""
    return Validator(_hash(url), etag, modified) if etag or modified else None


def conditions(known: Validator | None, url: str) -> dict[str, str]:
    """The headers that ask a URL for its content only if its state is another.

    Args:
        known: the state of what was fetched before; of another URL it says nothing.
        url: that is asked.
    """
    if known is None or known.place != _hash(url):
        return {}
    if known.etag:
        return {"If-None-Match": known.etag}
    return {"If-Modified-Since": known.modified}


def _is_settled(modified: str, now: str) -> bool:
    try:
        changed, said = map(email.utils.parsedate_to_datetime, (modified, now))
        return (said - changed).total_seconds() >= SETTLED
    except (TypeError, ValueError):
        return False


def _hash(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()
