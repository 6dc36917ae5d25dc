"""Opening one version of a Delta table, and finding out whether it holds features."""

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from pipelines.errors import TableError
from pipelines.table.added_columns import check_columns
from pipelines.table.log_length import check_log_length
from pipelines.table.properties import Properties, read_properties
from pipelines.table.protocol import check_readable
from pipelines.table.schema import CONTRACT_KEY, SHAPE_KEY
from pipelines.table.storage import (
    check_table_folder,
    delta_errors,
    is_delta,
    open_delta,
    table_uri,
)


def open_version(location: str, version: int | None) -> DeltaTable | None:
    """A Delta table at one of its versions, the newest when none is named; None where none is.

    Raises:
        TableError: it has no such version, or its log cannot be read.
    """
    uri = table_uri(location)
    check_table_folder(uri)
    at = "" if version is None else f"version {version} of "
    with delta_errors(uri, f"open {at}".rstrip()):
        try:
            if not is_delta(uri):
                return None
            check_log_length(uri)
            delta = open_delta(uri)
            newest = int(delta.version())
            if version is not None and not 0 <= version <= newest:
                raise TableError(f"{location} has no version {version}, only 0 to {newest}")
            return delta if version is None else open_delta(uri, version)
        except TableNotFoundError:
            return None


def properties_of(location: str, delta: DeltaTable) -> Properties:
    """What all rows of a Delta table of features share.

    Args:
        location: where it is, as it was named.
        delta: the table.

    Raises:
        TableError: it holds no features, or such as this version cannot read.
    """
    uri = table_uri(location)
    with delta_errors(uri, "read the properties of"):
        settings = delta.metadata().configuration
        if CONTRACT_KEY not in settings or SHAPE_KEY not in settings:
            raise TableError(f"{location} is a Delta table, but not one of features; name another")
        check_readable(uri, delta.protocol(), settings)
        check_columns(uri, delta)
    try:
        return read_properties(settings)
    except ValueError as error:
        raise TableError(
            f"the contract of {location} cannot be read: {error}; upgrade, if a newer version "
            "wrote it, or extract into another table"
        ) from error
