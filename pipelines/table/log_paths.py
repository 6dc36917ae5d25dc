"""Paths of data files: as a table's log spells them, and as the files are called."""

import re
from urllib.parse import quote, unquote

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")

_PLAIN_IN_A_LOG = "/!$&'()+,;=:@~"
"""What delta-rs writes as it is, besides letters, digits and `_.-`; the rest it encodes."""


def path_in_table(spelled: str) -> str:
    """The path of a file inside the table's folder, the same however the log spells it.

    Args:
        spelled: of an action in the log: relative to the table's folder, percent-encoded.

    Raises:
        ValueError: it is no path below the table's folder; one line says why.
    """
    try:
        decoded = unquote(spelled, errors="strict")
    except UnicodeDecodeError as error:
        raise ValueError("is a name that is not UTF-8") from error
    if _SCHEME.match(spelled) or _SCHEME.match(decoded) or decoded.startswith("/"):
        raise ValueError("is not a path relative to the table's folder")
    parts = [part for part in decoded.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError("leads out of the folder that it begins in")
    if not parts or "\0" in decoded:
        raise ValueError("names no file")
    return "/".join(parts)


def as_delta_decodes(spelled: str) -> str:
    """What delta-rs takes a path in the log for, which it decodes and leaves as it is otherwise."""
    return unquote(spelled)


def can_be_removed(spelled: str) -> bool:
    """Whether a commit through delta-rs can take a file out again.

    delta-rs encodes the path of what it removes; the file goes only if that gives the log's own
    spelling, which other writers need not have used.
    """
    return quote(unquote(spelled), safe=_PLAIN_IN_A_LOG) == spelled
