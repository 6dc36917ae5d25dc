"""The table of images that could not be used, kept beside the features."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from pipelines.errors import TableError
from pipelines.records import Failure, shown_label, storable
from pipelines.table.links import Links
from pipelines.table.log_length import check_log_length
from pipelines.table.logged import (
    LoggedFile,
    dataset_of,
    logged_files,
    without_what_is_no_file,
)
from pipelines.table.notes import PUT_BACK
from pipelines.table.protocol import check_readable
from pipelines.table.rows import checked_columns
from pipelines.table.schema import FAILURE_SCHEMA, FAILURES_FOLDER
from pipelines.table.storage import delta_errors, delta_settings, is_delta, open_delta, open_folder

ALWAYS_THERE = frozenset(field.name for field in FAILURE_SCHEMA if not field.nullable)
"""Columns of which every row has a value."""


def failures_uri(uri: str) -> str:
    """Where a feature table's failures are."""
    return f"{uri.rstrip('/')}/{FAILURES_FOLDER}"


def record_failures(uri: str, failures: Sequence[Failure], run: str, known: bool = True) -> None:
    """Append a run's failures; nothing is written when there are none.

    Args:
        uri: the feature table.
        failures: what failed.
        run: id of the run.
        known: False to have even lasting failures tried again, because the run was refused.
    """
    if not failures:
        return
    kept = [replace(failure, lasting=failure.lasting and known) for failure in failures]
    append_failures(uri, pa.Table.from_pylist([_row(each, run) for each in kept], FAILURE_SCHEMA))


def append_failures(uri: str, rows: pa.Table) -> None:
    """Append rows of `FAILURE_SCHEMA`; nothing is written when there are none.

    Raises:
        TableError: they cannot be written.
    """
    if rows.num_rows:
        where = failures_uri(uri)
        with delta_errors(where, "write"):
            write_deltalake(where, rows, mode="append", storage_options=delta_settings(where))


def read_failures(uri: str) -> pa.Table:
    """All recorded failures, `FAILURE_SCHEMA`; no rows when none were ever recorded.

    Raises:
        TableError: they cannot be read.
    """
    where = failures_uri(uri)
    with delta_errors(where, "read"):
        if not is_delta(where):
            return FAILURE_SCHEMA.empty_table()
        check_log_length(where)
        delta = open_delta(where)
        check_readable(where, delta.protocol(), delta.metadata().configuration)
        files = _files(where, delta)
        rows = dataset_of(delta, files, open_folder(where), FAILURE_SCHEMA).to_table()
        return checked_columns(rows, ALWAYS_THERE)


def _files(where: str, delta: DeltaTable) -> tuple[LoggedFile, ...]:
    logged = without_what_is_no_file(logged_files(delta), Links(where))
    if logged.refused:
        first = logged.refused[0]
        raise TableError(
            f"the log of {where} cannot be trusted: {first.where} {first.what}; {PUT_BACK}"
        )
    return logged.files


def known_failures(uri: str) -> frozenset[tuple[str, int, int]]:
    """(id, bytes, modified) of images that failed for a lasting reason, as they were then."""
    return lasting_of(recorded_failures(uri))


def lasting_of(recorded: Mapping[tuple[str, int, int], bool]) -> frozenset[tuple[str, int, int]]:
    """Those of `recorded_failures` that need not be tried again."""
    return frozenset(stat for stat, lasting in recorded.items() if lasting)


def recorded_failures(uri: str) -> dict[tuple[str, int, int], bool]:
    """Images that failed, as (id, bytes, modified) of that time: for a lasting reason?

    A failure that was lasting once is known, whatever other runs recorded of the same bytes.
    """
    rows = read_failures(uri)
    columns = [
        rows.column("image_id").to_pylist(),
        rows.column("bytes").to_pylist(),
        rows.column("modified").cast(pa.int64()).to_pylist(),
    ]
    found: dict[tuple[str, int, int], bool] = {}
    for *stat, lasting in zip(*columns, rows.column("lasting").to_pylist(), strict=True):
        key = (stat[0], stat[1], stat[2])
        found[key] = found.get(key, False) or lasting
    return found


def _row(failure: Failure, run: str) -> dict[str, object]:
    ref = failure.ref
    return {
        "image_id": ref.image_id,
        "uri": storable(ref.uri),
        "label": shown_label(ref.label),
        "split": ref.split,
        "bytes": ref.bytes,
        "modified": ref.modified,
        "sha256": failure.sha256,
        "stage": failure.stage,
        "error": failure.error,
        "message": failure.message,
        "lasting": failure.lasting,
        "run": run,
    }
