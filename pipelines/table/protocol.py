"""Which Delta tables can be read, those of whose rows the files tell all, and written."""

from collections.abc import Mapping
from typing import Any

from pipelines.errors import TableError
from pipelines.stores.delta_readers import unknown_features

WRITABLE = frozenset(
    {
        *("appendOnly", "invariants", "checkConstraints"),
        *("generatedColumns", "changeDataFeed", "timestampNtz"),
    }
)
"""Writer features with which delta-rs commits."""

WRITABLE_VERSION = 5
"""The newest of Delta's writer versions before 7, which lists features, that it commits to."""


def check_writable(uri: str, protocol: Any) -> None:  # noqa: ANN401
    """Refuse a table to which no commit of ours would go through, before work is done on it.

    Args:
        uri: the table.
        protocol: what delta-rs gives as a table's protocol.

    Raises:
        TableError: another writer has given it features that delta-rs does not write.
    """
    unknown = {str(name) for name in protocol.writer_features or ()} - WRITABLE
    if WRITABLE_VERSION < protocol.min_writer_version < 7:
        unknown.add(f"version {protocol.min_writer_version}")
    if unknown:
        raise TableError(
            f"{uri} wants writers that know {', '.join(sorted(unknown))}, which these commands do "
            "not; drop that with the program that brought it (ALTER TABLE ... DROP FEATURE), or "
            "extract into a new table"
        )


def check_readable(uri: str, protocol: Any, settings: Mapping[str, str]) -> None:  # noqa: ANN401
    """Refuse a table that another writer has turned into one whose files are not all there is.

    Args:
        uri: the table.
        protocol: what delta-rs gives as a table's protocol.
        settings: the table's properties.

    Raises:
        TableError: its rows, or its columns' names, are in its log and not in its files.
    """
    wanted = unknown_features(protocol, settings)
    if wanted:
        raise TableError(
            f"{uri} wants readers that know {', '.join(wanted)}, which these commands do "
            "not; write its rows into a table without, or open an older version"
        )
