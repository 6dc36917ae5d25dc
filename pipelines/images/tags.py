"""The tags of a TIFF file, and of EXIF data, which are the same: how many numbers they hold.

Pillow makes an object of each, before it is known what it is for. A number of two bytes becomes one
of forty, and a fraction of eight bytes one of three hundred, which takes microseconds too.
"""

import struct
from collections.abc import Iterator

from pipelines.errors import ImageError

MOST_NUMBERS = 2_200_000
"""Whole and floating numbers of all tags: places and lengths of as many strips as rows may be."""

MOST_FRACTIONS = 10_000
"""Of all tags; a photograph has some dozens."""

_FRACTIONS = (5, 10)
_SIZES = {3: 2, 4: 4, 5: 8, 6: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""Bytes of a value by its type; those of the others stay bytes."""

_FURTHER = (34665, 34853, 40965)
"""Tags that tell where further directories are: EXIF, GPS and interoperability."""

_MOST_TAGS = 20_000


def check_tags(data: bytes) -> None:
    """Refuse tags of which Pillow would make too much.

    Args:
        data: a file that begins as TIFF does; nothing is said of any other.

    Raises:
        ImageError: they hold too many numbers.
    """
    numbers = fractions = 0
    try:
        for kind, count in _tags(data):
            # More than there is, as damaged EXIF data claim, is not read at all.
            if kind not in _SIZES or count * _SIZES[kind] > len(data):
                continue
            numbers += count
            fractions += count if kind in _FRACTIONS else 0
            if fractions > MOST_FRACTIONS or numbers > MOST_NUMBERS:
                raise ImageError("its tags hold too many numbers to be read")
    except struct.error:  # cut short; Pillow says so
        return


def _tags(data: bytes) -> Iterator[tuple[int, int]]:
    """Type and number of values of the tags in the first directory, and in those that it names."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return
    large = data[2:3] == b"\x2b"
    entry = struct.Struct(f"{order}HHQQ" if large else f"{order}HHLL")
    length, place = ("Q", "Q") if large else ("H", "L")
    (first,) = struct.unpack_from(order + place, data, 8 if large else 4)
    directories, seen, left = [first], {first}, _MOST_TAGS
    for at in directories:
        (tags,) = struct.unpack_from(order + length, data, at)
        left -= tags
        if left < 0:
            raise ImageError("it has too many tags to be read")
        start = at + struct.calcsize(order + length)
        for number in range(tags):
            tag, kind, count, value = entry.unpack_from(data, start + number * entry.size)
            yield kind, count
            if tag in _FURTHER and value not in seen:
                directories.append(value)
                seen.add(value)
