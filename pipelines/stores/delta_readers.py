"""What a reader of a Delta table must know, and what is known here."""

from collections.abc import Mapping
from typing import Any

READABLE = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})
"""Features that change nothing for who reads the files that a log names."""


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
