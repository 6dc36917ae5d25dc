"""Which Delta tables can be read: those of whose rows the files tell all there is to tell."""

from collections.abc import Mapping
from typing import Any

from pipelines.errors import TableError

READABLE = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})
"""Reader features of Delta that change nothing in what a data file's columns mean."""


def check_readable(uri: str, protocol: Any, settings: Mapping[str, str]) -> None:  # noqa: ANN401
    """Refuse a table that another writer has turned into one whose files are not all there is.

    Args:
        uri: the table.
        protocol: what delta-rs gives as a table's protocol.
        settings: the table's properties.

    Raises:
        TableError: its rows, or its columns' names, are in its log and not in its files.
    """
    wanted = {str(name) for name in protocol.reader_features or ()} - READABLE
    if settings.get("delta.columnMapping.mode", "none") != "none":
        wanted.add("columnMapping")
    if wanted:
        raise TableError(
            f"{uri} wants readers that know {', '.join(sorted(wanted))}, which these commands do "
            "not; write its rows into a table without, or open an older version"
        )
