"""What an image's file is called, and how it begins: one closed list of formats for both.

It is as long as what Pillow decodes within bounds that a header tells. JPEG 2000 and AVIF are not
among them: see decision 6.
"""

import re

from pipelines.stores.slices import read_slice

IMAGE_SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".pjpeg", ".pjp", ".mpo"),
        *(".png", ".apng", ".gif", ".webp"),
        *(".bmp", ".tif", ".tiff"),
        *(".pbm", ".pgm", ".ppm", ".pnm"),
    }
)
"""In lower case."""

FIRST_BYTES = 32
"""How many bytes `begins_as_image` looks at."""

_STARTS = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
)
_PNM = re.compile(rb"P[1-6]\s[\s0-9#]")
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
"""How long the second header of a BMP may be: two letters alone begin many a text."""


def is_named_as_image(name: str) -> bool:
    """Whether a file that is not hidden is an image by its own name."""
    # A million times, which is why no path is made of it.
    return name[name.rfind(".") :].lower() in IMAGE_SUFFIXES


def begins_as_image(start: bytes) -> bool:
    """Whether a file's first `FIRST_BYTES` are those of a format that is decoded."""
    if start.startswith(_STARTS):
        return True
    if start.startswith(b"RIFF"):
        return start[8:12] == b"WEBP"
    if start.startswith(b"BM"):
        return int.from_bytes(start[14:18], "little") in _BMP_HEADERS
    return _PNM.match(start) is not None


def may_be_image(uri: str) -> bool:
    """Whether a file or object begins as an image; what cannot be read becomes a failure as one."""
    try:
        return begins_as_image(read_slice(uri, 0, FIRST_BYTES))
    except OSError:
        return True
