"""What a look at a table has to say of it: what is wrong, and what could not be looked at."""

from dataclasses import dataclass

from pipelines.redaction import redacted

PUT_BACK = "put a copy of the table back, or extract into another"
"""What to do about a log that cannot be repaired."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        where: a data file, an image id, or "table".
        what: what is wrong, one line.
    """

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Unchecked:
    """One thing that could not be checked, for a reason outside of the table.

    Attributes:
        where: a data file, an image id, or "table", "rows" or "features" for all of them.
        why: what stood in the way, one line.
    """

    where: str
    why: str


Note = Finding | Unchecked


def in_a_line(error: BaseException) -> str:
    """What an error says, on one line."""
    return redacted(" ".join(str(error).split())) or type(error).__name__
