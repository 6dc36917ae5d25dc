"""Reading an image's bytes within bounds, wherever they are."""

import hashlib
from collections.abc import Iterator

from pipelines.records import ImageRef
from pipelines.stores.files import file_blocks, patiently, refuse_too_large
from pipelines.stores.members import Member, place_of, read_member
from pipelines.stores.objects import object_blocks, read_object
from pipelines.stores.places import is_remote
from pipelines.stores.web import read_url
from pipelines.stores.web_addresses import is_web

MAX_IMAGE_BYTES = 256 << 20
"""Most bytes of an image's file if nothing else is said: ten times those of a large photograph."""

BLOCK = 1 << 20
"""Bytes that are held of a file that is hashed."""


def is_size_listed(ref: ImageRef) -> bool:
    """Whether `bytes` of a reference is the size its image had when it was listed.

    Of what lies in a column or on the web only reading it tells; it then has 0.
    """
    return ref.bytes > 0 or (place_of(ref.uri) is None and not is_web(ref.uri))


def read_bytes(uri: str, most: int = MAX_IMAGE_BYTES) -> bytes:
    """Read a whole file, object, member of one, or what is at a URL.

    Args:
        uri: where it is.
        most: bytes; of a file that has more, no more is read.

    Raises:
        TooLargeError: it has more.
        OSError: it is not there, may not be read, or failed several times in a row.
    """
    member = Member.of(uri)
    if member is not None:
        refuse_too_large(member.bytes, most)
        return read_member(member, most)
    if is_web(uri):
        return read_url(uri, most)
    if is_remote(uri):
        return read_object(uri, most)
    return patiently(lambda: b"".join(file_blocks(uri, most, None)))


def sha256_of(uri: str, most: int = MAX_IMAGE_BYTES) -> str:
    """Hash a file, object, or member of one; hexadecimal.

    Files and objects are held in blocks, members and what is fetched from the web whole.

    Raises:
        OSError: as `read_bytes`.
    """
    if Member.of(uri) is not None or is_web(uri):
        return _hash(iter([read_bytes(uri, most)]))
    if is_remote(uri):
        return _hash(object_blocks(uri, most))
    return patiently(lambda: _hash(file_blocks(uri, most, BLOCK)))


def _hash(blocks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()
