"""Reading one member of a zip file by the place of its own header (APPNOTE 6.3, 4.3.7 to 4.3.9).

Name and checksum are held against the member's, so that a file that was replaced since it was
listed is noticed. What it unpacks to is bounded while it is unpacked.
"""

import errno
import struct
import zipfile
import zlib

from pipelines.stores.objects import TooLargeError
from pipelines.stores.slices import read_slice

HEADER = struct.Struct("<4s5H3I2H")
SIGNATURE, DESCRIPTOR = b"PK\x03\x04", b"PK\x07\x08"
IN_DESCRIPTOR, UTF8 = 1 << 3, 1 << 11
"""Flags: the checksum comes after the content; the name is UTF-8."""

EXTRA = 512
"""Bytes of a header's extra fields that are read at the first try."""


def read_zip_member(archive: str, start: int, count: int, name: str, most: int) -> bytes:
    """Read a member's content, unpacked.

    Args:
        archive: path or URI.
        start: where in it the member's header begins, in bytes.
        count: how many bytes its content has, packed.
        name: of the member.
        most: bytes that it may have, unpacked.

    Raises:
        TooLargeError: it has more.
        OSError: the archive is not there, may not be read, or does not hold the member there.
    """
    moved = OSError(errno.EIO, f"{archive} was changed since it was listed; {name} is elsewhere")
    after = len(DESCRIPTOR) + 4
    block = read_slice(archive, start, HEADER.size + 4 * len(name) + EXTRA + count + after)
    if len(block) < HEADER.size:
        raise moved
    signature, _, flags, method, _, _, crc, _, _, named, extra = HEADER.unpack_from(block)
    begins = HEADER.size + named + extra
    called = block[HEADER.size : HEADER.size + named]
    if signature != SIGNATURE or called != _encoded(name, flags):
        raise moved
    if len(block) < begins + count + after:
        block = read_slice(archive, start, begins + count + after)
    content, behind = block[begins : begins + count], block[begins + count :]
    if len(content) != count:
        raise OSError(errno.EIO, f"{archive} ends in the middle of {name}")
    content = _unpacked(content, method, most, name)
    if flags & IN_DESCRIPTOR:
        behind = behind.removeprefix(DESCRIPTOR)
        crc = int.from_bytes(behind[:4], "little")
    if zlib.crc32(content) != crc:
        raise OSError(errno.EIO, f"{name} in {archive} is damaged: its checksum is another")
    return content


def _encoded(name: str, flags: int) -> bytes:
    try:
        return name.encode("utf-8" if flags & UTF8 else "cp437")
    except UnicodeEncodeError:
        return b""


def _unpacked(content: bytes, method: int, most: int, name: str) -> bytes:
    if method == zipfile.ZIP_STORED:
        return content
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = unpacking.decompress(content, most + 1)
    except zlib.error as error:
        raise OSError(errno.EIO, f"{name} is damaged: {error}") from error
    if len(plain) > most:
        raise TooLargeError(len(plain), most)
    return plain
