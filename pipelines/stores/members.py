"""Images that lie in a file with others: their addresses, and reading one by its address.

An address is `tar:/data/a.tar#1536+12345:cats/1.jpg`: what kind of file, which one, where in it,
and the member's name. A worker reads the bytes that it names, and no index.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Self
from urllib.parse import quote, unquote

from pipelines.stores.arrow_member import read_arrow_row
from pipelines.stores.fault_member import read_fault
from pipelines.stores.parquet_member import read_parquet_row
from pipelines.stores.tar_member import read_tar_member
from pipelines.stores.zip_member import read_zip_member

_ADDRESS = re.compile(r"([a-z]+):([^#]+)#([0-9]+)\+([0-9]+):(.+)", re.DOTALL)
_PLAIN = "/:@!$&'()*+,;= "
"""What need not be escaped in the name of a file."""


@dataclass(frozen=True, slots=True)
class Member:
    """Where an image lies in a file.

    Attributes:
        kind: of the file, one of `KINDS`.
        file: path or URI of the file.
        start: where in it, as the kind counts.
        bytes: that are read, as the kind counts.
        name: of the member.
    """

    kind: str
    file: str
    start: int
    bytes: int
    name: str

    @property
    def uri(self) -> str:
        """The address."""
        return f"{self.kind}:{_quoted(self.file)}#{self.start}+{self.bytes}:{self.name}"

    @classmethod
    def of(cls, uri: str) -> Self | None:
        """Take an address apart; None where it is none."""
        found = _ADDRESS.fullmatch(uri)
        if found is None or found[1] not in KINDS:
            return None
        return cls(
            found[1],
            unquote(found[2], errors="surrogateescape"),
            int(found[3]),
            int(found[4]),
            found[5],
        )


@lru_cache(maxsize=64)
def _quoted(file: str) -> str:
    return quote(file, safe=_PLAIN, errors="surrogateescape")


KINDS: dict[str, Callable[[str, int, int, str, int], bytes]] = {
    "arrow": read_arrow_row,
    "parquet": read_parquet_row,
    "tar": read_tar_member,
    "zip": read_zip_member,
    "fault": read_fault,
}
"""How a member of each kind of file is read: file, start, bytes, name, most bytes."""


IN_ORDER = frozenset({"arrow", "parquet"})
"""Kinds whose members are unpacked one after the other, and have no size before that."""

UNPACKED_IN_ORDER = (
    rf"(?s)^(?:{'|'.join(sorted(IN_ORDER))}):(?P<file>[^#]+)#(?P<start>[0-9]+)\+[0-9]+:."
)
"""What an address of such a member matches, for expressions of RE2."""


def place_of(uri: str) -> tuple[str, int] | None:
    """The file that a member lies in, and its row, if it is best read in the order of these.

    None of other members, and of what is none.
    """
    member = Member.of(uri) if uri.partition(":")[0] in IN_ORDER else None
    return None if member is None else (member.file, member.start)


def read_member(member: Member, most: int) -> bytes:
    """Read a member that has at most so many bytes.

    Raises:
        TooLargeError: it has more, unpacked.
        OSError: the file is not there, may not be read, or does not hold it there (any more).
    """
    return KINDS[member.kind](member.file, member.start, member.bytes, member.name, most)
