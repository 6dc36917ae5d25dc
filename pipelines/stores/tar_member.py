"""Reading one member of a tar archive by its place.

The 512 bytes before a member's content are its header. They are read along with it, so that an
archive that was replaced since it was listed is noticed.
"""

import errno
import tarfile

from pipelines.stores.slices import read_slice

BLOCK = tarfile.BLOCKSIZE
LONGEST_PLAIN_NAME = 99
"""Bytes of a name that every kind of tar keeps in the header itself."""


def read_tar_member(archive: str, start: int, count: int, name: str, most: int) -> bytes:
    """Read a member's content.

    Args:
        archive: path or URI.
        start: where in it the content begins, in bytes.
        count: how many bytes it has.
        name: of the member.
        most: bytes that it may have.

    Raises:
        OSError: the archive is not there, may not be read, or does not hold the member there.
    """
    block = read_slice(archive, start - BLOCK, BLOCK + count)
    header, content = block[:BLOCK], block[BLOCK:]
    try:
        found = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        found = None
    if found is None or found.size != count or not _is_named(found, name):
        raise OSError(errno.EIO, f"{archive} was changed since it was listed; {name} is elsewhere")
    if len(content) != count:
        raise OSError(errno.EIO, f"{archive} ends in the middle of {name}")
    return content


def _is_named(found: tarfile.TarInfo, name: str) -> bool:
    plain = name.isascii() and len(name) <= LONGEST_PLAIN_NAME
    return not plain or found.name == name
