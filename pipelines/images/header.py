"""What an image's header tells of the memory and time that decoding takes, before it is decoded.

A decoder cannot be interrupted, so what would take too much is refused by its header. What bounds
the time is the number of pixels, how often a decoder passes over them, and the file's size
(`--max_image_bytes`): the slowest files that are let through take seconds.
"""

from PIL import Image
from PIL.ImageFile import ImageFile

from pipelines.errors import ImageError

MAX_PIXELS = 89_478_485
"""Most pixels an image may claim before it is decoded; Pillow's own limit (256 MiB of RGB)."""

MAX_SIDE = 1_000_000
"""Most pixels of a row or a column, as in libpng; each row costs memory of its own."""

MAX_PASSES = 20
"""How often a decoder may pass over an image of `MAX_PIXELS`, and over smaller ones more often.

A scan of a JPEG is a pass. Encoders make 18 of them at most: Pillow's and libjpeg's progressive
ones are 6 of grey, 10 of colour and 18 of CMYK, and mozjpeg's are fewer than 20.
"""

_RLE_PASSES = 60
"""Pillow decodes run-length encoded BMPs in Python, which is as slow as so many passes."""

_PYTHON_PASSES = 100
"""Pillow reads plain PNMs, and those of other than 256 values, in Python: so many a channel."""

MAX_COMMENTS = 10_000
"""Most comments of a plain PNM: for each of them Pillow copies what it has read."""

_SCAN = b"\xff\xda\0"
"""How every scan of a JPEG begins; it cannot occur in coded pixels, and hardly does elsewhere."""

_TILE_WIDTH, _TILE_LENGTH, _ROWS_PER_STRIP = 322, 323, 278
_ROW_POINTER = 8
_PIXEL_BYTES = {"1": 1, "L": 1, "P": 1}
"""Bytes that Pillow holds a pixel in; in all other modes 4."""


def bytes_to_decode(image: ImageFile, data: bytes) -> int:
    """Memory that it takes to decode an image, in bytes.

    Args:
        image: opened and not yet decoded.
        data: its file.

    Raises:
        ImageError: it claims more than `MAX_PIXELS`, a side of more than `MAX_SIDE`, or more than
            `MAX_PASSES` over so many pixels.
    """
    width, height = image.size
    _refuse_too_large(width, height)
    piece = _largest_piece(image)
    _refuse_too_large(*piece)
    scans = data.count(_SCAN) if _is_jpeg(image) else 0
    # A TIFF may be compressed in pieces, each a JPEG by itself.
    pixels = width * height if image.format != "TIFF" else piece[0] * piece[1]
    passes = _RLE_PASSES if _is_rle(image) else scans
    if _is_decoded_in_python(image):
        passes = _PYTHON_PASSES * len(image.getbands())
        if data.count(b"#") > MAX_COMMENTS and image.tile[0][0] == "ppm_plain":
            raise ImageError("it has too many comments to be read")
    if passes * pixels > MAX_PASSES * MAX_PIXELS:
        raise ImageError(
            f"{passes} passes over {pixels:,} pixels would take too long; save it again"
        )
    held = _PIXEL_BYTES.get(image.mode, 4) + _beside(image, scans)
    return height * (width * held + _ROW_POINTER) + 4 * piece[0] * piece[1]


def bytes_to_resize(rows: int, width: int) -> int:
    """Memory that the rows of an image take once they have the width that is wanted, in bytes.

    Raises:
        ImageError: it is more than that of `MAX_PIXELS`.
    """
    _refuse_too_large(width, rows)
    return rows * (4 * width + _ROW_POINTER)


def _refuse_too_large(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(f"{width} x {height} is more than {MAX_PIXELS:,} pixels")
    if max(width, height) > MAX_SIDE:
        raise ImageError(f"{width} x {height}: a side is more than {MAX_SIDE:,} pixels")


def _beside(image: Image.Image, scans: int) -> int:
    """Bytes a pixel that a decoder holds beside its result."""
    if image.format == "WEBP":
        return 12  # two canvases and the pixels that it hands over
    if _is_decoded_in_python(image):
        return 3 * len(image.getbands())  # what was decoded, grown and copied
    if image.format != "TIFF" and scans > 1:
        return 2 * len(image.getbands())  # the coefficients of all scans
    return 0


def _largest_piece(image: ImageFile) -> tuple[int, int]:
    """Width and height of what is decompressed at once and copied from there; 0 for most formats.

    A small TIFF may be cut into tiles that are larger than itself.
    """
    if image.format != "TIFF":
        return 0, 0
    width, height = image.size
    tags = getattr(image, "tag_v2", {})
    if _TILE_WIDTH in tags:
        return _number(tags.get(_TILE_WIDTH), width), _number(tags.get(_TILE_LENGTH), height)
    return width, min(height, _number(tags.get(_ROWS_PER_STRIP), height))


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise


def _is_jpeg(image: Image.Image) -> bool:
    within = image.info.get("compression") in ("jpeg", "tiff_jpeg")
    return image.format == "JPEG" or within


def _is_rle(image: ImageFile) -> bool:
    return any(tile[0] == "bmp_rle" for tile in image.tile)


def _is_decoded_in_python(image: Image.Image) -> bool:
    return any(tile[0] in ("ppm", "ppm_plain") for tile in getattr(image, "tile", ()))
