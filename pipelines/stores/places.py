"""Places on an object store: `s3://bucket/key`, `gs://bucket/key`."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from pipelines.errors import UsageError
from pipelines.redaction import redacted

SCHEMES = ("s3", "gs")
SIGNED = re.compile(r"[?&](X-Amz-|X-Goog-|AWSAccessKeyId=|GoogleAccessId=|Signature=)", re.I)
_BROKEN = tuple(f"{scheme}:/" for scheme in SCHEMES)


@dataclass(frozen=True, slots=True)
class Place:
    """An object, or a prefix of objects that stands for a folder.

    Attributes:
        scheme: one of `SCHEMES`.
        bucket: the bucket's name.
        key: names in the bucket joined by "/", with none at either end; "" is the whole bucket.
    """

    scheme: str
    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """The place as users and tables write it."""
        return f"{self.scheme}://{self.bucket}" + (f"/{self.key}" if self.key else "")

    @property
    def name(self) -> str:
        """The last part of the key."""
        return posixpath.basename(self.key)

    @property
    def folder(self) -> Self:
        """The place one level up."""
        return self.at(posixpath.dirname(self.key))

    def above(self) -> Iterator[Self]:
        """The places that this one lies below, the bucket last."""
        place = self
        while place.key:
            place = place.folder
            yield place

    def at(self, key: str) -> Self:
        """Another place in the same bucket."""
        return replace(self, key=key)

    def inside(self, name: str) -> Self:
        """A place below this one; `name` may have several parts."""
        return self.at(f"{self.key}/{name}".lstrip("/"))

    def below(self, key: str) -> str | None:
        """What of a key comes after this place; None where it does not lie below it."""
        if not self.key:
            return key
        return key[len(self.key) + 1 :] if key.startswith(f"{self.key}/") else None


def is_remote(location: str) -> bool:
    """Whether a location is on an object store, or claims to be on something of that kind.

    What `Path` leaves of a URL, `s3:/bucket`, is no folder of this machine either.
    """
    return "://" in location or location.startswith(_BROKEN)


def parse_place(location: str) -> Place:
    """Take a URI apart.

    Raises:
        UsageError: it has another scheme, no bucket, or a key that stores cannot agree on.
    """
    scheme, _, rest = location.partition("://")
    if scheme not in SCHEMES:
        known = " and ".join(f"{each}://" for each in SCHEMES)
        raise UsageError(
            f"cannot use {redacted(location)}: stores are {known}, and a local path is named "
            "without a scheme"
        )
    bucket, _, key = rest.partition("/")
    if "@" in bucket or ":" in bucket:
        raise UsageError(
            f"{redacted(location)} was given with a user or password, which this project takes "
            "from the environment only (docs/object-stores.md)"
        )
    if SIGNED.search(key):
        raise UsageError(
            f"{redacted(location)} was given with a signature; name the place alone, requests are "
            "signed by this project"
        )
    if not bucket:
        raise UsageError(f"{redacted(location)} names no bucket; write {scheme}://BUCKET/FOLDER")
    key = key.rstrip("/")
    if key and not {"", ".", ".."}.isdisjoint(key.split("/")):
        raise UsageError(
            f"{redacted(location)} has an empty, '.' or '..' part; name the place plainly"
        )
    return Place(scheme, bucket, key)
