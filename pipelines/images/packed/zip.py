"""Looking through a zip file by its central directory. Nothing is unpacked."""

import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import BinaryIO

from pipelines.images.packed.index import MOST_SAID, Index, PackedImage
from pipelines.images.packed.samples import Samples

ENCRYPTED = 1
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, OverflowError, RuntimeError),
)
"""What `zipfile` raises for damaged files; of all these only the first is documented."""


def index_zip(file: BinaryIO, columns: Mapping[str, str]) -> Index:
    """Find the images of a zip file, and what its other members say of them.

    Args:
        file: the zip file.
        columns: see `Samples`.

    Raises:
        ValueError: it is no zip file.
    """
    samples = Samples("zip", columns)
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise ValueError(f"it is no zip file ({error})") from error
    ends = 0
    for member in sorted(archive.infolist(), key=lambda each: each.header_offset):
        name = member.filename
        overlaps, ends = member.header_offset < ends, member.header_offset + member.compress_size
        if name.endswith("/") or name.startswith("__MACOSX/") or not samples.takes(name):
            continue
        if member.flag_bits & ENCRYPTED:
            samples.fault(name, "encrypted")
        elif member.compress_type not in METHODS:
            samples.fault(name, f"packed by a method that is not read ({member.compress_type})")
        elif overlaps:
            samples.fault(name, "it shares its bytes with another member")
        elif samples.is_image(name):
            place = member.header_offset, member.compress_size, member.file_size
            samples.image(name, PackedImage(member.orig_filename, *place))
        elif member.file_size > MOST_SAID:
            samples.fault(name, f"a text of {member.file_size:,} bytes")
        else:
            samples.said(name, _read(archive, member))
    return samples.index()


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | None:
    try:
        with archive.open(member) as file:
            return file.read(MOST_SAID)
    except _DAMAGED:
        return None
