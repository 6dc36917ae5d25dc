"""Looking through a tar archive: plain ones, and WebDataset's shards.

One pass over the headers. The archive is not unpacked, and no link in it is followed.
"""

import tarfile
from collections.abc import Iterator, Mapping
from typing import BinaryIO, cast

from pipelines.images.packed.index import MOST_SAID, Index, PackedImage
from pipelines.images.packed.samples import Samples

LONGEST_HEADER = 1 << 20
"""Bytes that a header with its extensions may take."""


class _Bounded:
    """A file of which no header can make `tarfile` read more than is sensible."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int) -> bytes:
        if count > LONGEST_HEADER:
            raise tarfile.ReadError(f"a header says that it has {count:,} bytes")
        return self._file.read(count)


def index_tar(file: BinaryIO, columns: Mapping[str, str]) -> Index:
    """Find the images of an archive, and what its other members say of them.

    Args:
        file: the archive.
        columns: see `Samples`.

    Raises:
        ValueError: it is no tar archive that can be read in part.
    """
    samples = Samples("tar", columns)
    try:
        archive = tarfile.open(  # noqa: SIM115 - it holds nothing but the file
            fileobj=cast(BinaryIO, _Bounded(file)), mode="r:", errors="surrogateescape"
        )
    except (tarfile.TarError, OSError) as error:
        raise ValueError(_why(file, error)) from error
    for member in _members(archive, file, samples):
        name = member.name.removeprefix("./")
        if member.isdir():
            continue
        if not samples.takes(name):
            continue
        if not member.isreg() or member.issparse():
            samples.fault(name, "a link or a device, and no file")
        elif samples.is_image(name):
            image = PackedImage(member.name, member.offset_data, member.size, member.size)
            samples.image(name, image)
        elif member.size > MOST_SAID:
            samples.fault(name, f"a text of {member.size:,} bytes")
        else:
            file.seek(member.offset_data)
            samples.said(name, file.read(member.size))
    return samples.index()


def _members(
    archive: tarfile.TarFile, file: BinaryIO, samples: Samples
) -> Iterator[tarfile.TarInfo]:
    last = "the beginning"
    while True:
        try:
            member = archive.next()
        except (tarfile.TarError, OSError, ValueError) as error:
            samples.fault(f"after {last}", f"the rest cannot be read ({error})")
            return
        if member is None:
            # `tarfile` takes a damaged header for the end.
            file.seek(archive.offset)
            if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
                samples.fault(f"after {last}", "the rest cannot be read (a header is damaged)")
            return
        archive.members.clear()  # type: ignore[attr-defined] # a million are not needed
        last = member.name
        yield member


def _why(file: BinaryIO, error: Exception) -> str:
    file.seek(0)
    start = file.read(4)
    if (
        start[:2] == b"\x1f\x8b"
        or start[:3] == b"BZh"
        or start == b"\xfd7zX"
        or start == b"(\xb5/\xfd"
    ):
        return "it is compressed as a whole, so no image of it can be read alone; decompress it"
    return f"it is no tar archive ({error})"
