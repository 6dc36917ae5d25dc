"""The images' files in a column of Arrow's, whichever way it holds them."""

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

SPARK_IMAGE = frozenset({"height", "width", "nChannels", "data"})
"""Fields of an image that Spark decoded."""

_BITS_OF_CHANNELS = {1: 8, 3: 24, 4: 32}


def values_of(column: pa.Array) -> Iterator[bytes | None]:
    """The bytes of each row's image; None where it has none.

    Args:
        column: of bytes, a struct of nothing but bytes, or one of Spark's images.
    """
    while pa.types.is_struct(column.type) and column.type.num_fields == 1:
        column = pc.struct_field(column, 0)
    if pa.types.is_struct(column.type):
        for image in column:
            yield None if not image.is_valid else as_bmp(image.as_py())
    else:
        for value in column:
            yield value.as_py()


def as_bmp(image: Mapping[str, Any]) -> bytes | None:
    """An image that Spark decoded, as a BMP file, which holds its pixels as they are.

    Args:
        image: height and width, nChannels 1, 3 or 4, and data: rows from the top, uint8 BGR.

    Returns:
        None where it holds no such pixels, as of a file that Spark could not decode.
    """
    height, width, channels = image["height"], image["width"], image["nChannels"]
    data = image["data"]
    if channels not in _BITS_OF_CHANNELS or not data or len(data) != height * width * channels:
        return None
    row = width * channels
    padding = b"\0" * (-row % 4)
    rows = (data[start : start + row] + padding for start in range(0, len(data), row))
    pixels = data if not padding else b"".join(rows)
    grey = b"".join(bytes((value, value, value, 0)) for value in range(256))
    palette = grey if channels == 1 else b""
    begins = 14 + 40 + len(palette)
    bits = _BITS_OF_CHANNELS[channels]
    # A negative height: rows from the top.
    header = struct.pack("<2sIHHI", b"BM", begins + len(pixels), 0, 0, begins)
    shape = struct.pack("<IiiHHIIiiII", 40, width, -height, 1, bits, 0, len(pixels), 0, 0, 0, 0)
    return header + shape + palette + pixels
