"""What a reader of a Delta table must know, what is known here, and what delta-rs says of it."""

import re
from collections.abc import Mapping
from typing import Any

READABLE = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})
"""Features that change nothing for who reads the files that a log names."""

_BACKTRACE = re.compile(r"\s+0: (<unknown>|\S+ at ).*", re.DOTALL)
"""What delta-rs's kernel ends its messages with."""

_SOURCE = re.compile(r"\s*Debug source.*", re.DOTALL)
"""What its client of object stores ends them with."""


def said_by_delta(error: Exception | str) -> str:
    """What an error of delta-rs says, in one line and without its stack."""
    return " ".join(_SOURCE.sub("", _BACKTRACE.sub("", str(error))).split())


def unknown_features(
    protocol: Any,  # noqa: ANN401 - mypy does not follow deltalake
    settings: Mapping[str, str],
) -> list[str]:
    """Features without which a table's rows, or its columns' names, are not in its files alone.

    Args:
        protocol: what delta-rs gives as a table's protocol.
        settings: the table's properties.
    """
    wanted = {str(name) for name in protocol.reader_features or ()} - READABLE
    if settings.get("delta.columnMapping.mode", "none") != "none":
        wanted.add("columnMapping")
    return sorted(wanted)
