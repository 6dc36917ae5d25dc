"""Opening an image's file with Pillow, within bounds of what its header may make Pillow do.

A header is read in Python, piece by piece. A small file may consist of millions of pieces, or have
the same bytes copied under thousands of names. So Pillow gets a file that counts.
"""

import io
import sys

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from pipelines.errors import ImageError
from pipelines.images.tags import check_tags

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""What Pillow may take a file for, whatever its name. It knows forty more; EPS starts a program."""

HEADER_READS = 20_000
"""Pieces of a header, at most; those of real files are some hundreds."""

READS = 5_000_000
"""Pieces of a whole file, at most; of the largest PNGs that libpng writes it is 200,000."""

TIMES_OVER, ALLOWANCE = 8, 1 << 20
"""How often all of a file may be read for its header, and some bytes more for small ones."""


class _CountingFile(io.BytesIO):
    """A file in memory that ends the reading when it is too much."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads_left = HEADER_READS
        self._bytes_left = TIMES_OVER * len(data) + ALLOWANCE

    def begin_with_pixels(self) -> None:
        """From now on it is read to be decoded, where nothing that was read is kept."""
        self._reads_left, self._bytes_left = READS, sys.maxsize

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self._reads_left -= 1
        self._bytes_left -= len(content)
        if self._reads_left < 0:
            raise ImageError("it consists of too many pieces to be read")
        if self._bytes_left < 0:
            raise ImageError("its parts overlap so that it would be read many times over")
        return content


class _PlainJpeg(JpegImageFile):
    """A JPEG of which only the first picture counts, and nothing is known before it is asked for.

    Pillow looks into the EXIF data for a resolution, and for further pictures (MPO).
    """

    def _read_dpi_from_exif(self) -> None:
        pass


_EXIF = b"Exif\0\0"
_PLAIN_JPEG = "FROZEN_FEATURES_JPEG"
Image.register_open(_PLAIN_JPEG, _PlainJpeg, lambda start: start.startswith(b"\xff\xd8\xff"))


def open_image(data: bytes) -> ImageFile:
    """Read an image's header.

    Raises:
        ImageError: it would take too much.
        PIL.UnidentifiedImageError: it is none of `FORMATS`.
    """
    check_tags(data)
    file = _CountingFile(data)
    image = Image.open(file, formats=(_PLAIN_JPEG, *FORMATS[1:]))
    file.begin_with_pixels()
    return image


def check_exif(image: ImageFile) -> None:
    """Make sure that the EXIF data, which say how a picture is to be turned, do not take too much.

    Args:
        image: decoded; only then all of its EXIF data are there.

    Raises:
        ImageError: they do.
    """
    block = image.info.get("exif")
    if block is None and "Raw profile type exif" in image.info:  # as ImageMagick writes it
        block = bytes.fromhex("".join(image.info["Raw profile type exif"].split("\n")[3:]))
    while isinstance(block, bytes) and block.startswith(_EXIF):
        block = block[len(_EXIF) :]
    if block:
        check_tags(block)
        Image.Exif().load_from_fp(_CountingFile(block))
