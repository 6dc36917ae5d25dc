"""Holding the data files of a feature table against its log and their own receipts."""

from collections.abc import Iterator

import pyarrow as pa

from pipelines.contract import contract_from_json, differing_fields
from pipelines.errors import TableError
from pipelines.stores.outages import is_outage
from pipelines.table.feature_table import FeatureTable
from pipelines.table.logged import LoggedFile
from pipelines.table.notes import Finding, Note, Unchecked, in_a_line
from pipelines.table.receipts import RowDigest, read_receipt
from pipelines.table.rows import row_groups

GIVE_UP = 3
"""Files in a row that could not be reached, after which no other is tried: each takes seconds."""


def check_files(table: FeatureTable) -> Iterator[Note]:
    """Check every data file: size, footer, contract, row count and digest against the log.

    Reads all of every file, and with it the checksum of every page. A file without a receipt was
    written by Delta's own compaction and has no digest; the rest of it is checked all the same.
    Where a store does not answer, the rest of the files is left unchecked.
    """
    digests = _digests_in_log(table)
    away = 0
    for file in table.files:
        try:
            for what in _faults_of_file(table, file, digests.get(file.path)):
                yield Finding(file.path, what)
            away = 0
        except (TableError, OSError) as error:
            if not is_outage(error):
                raise
            yield Unchecked(file.path, in_a_line(error))
            away += 1
        if away == GIVE_UP:
            yield Unchecked("table", f"the files after {file.path} were not looked at")
            return


def _digests_in_log(table: FeatureTable) -> dict[str, str]:
    digests: dict[str, str] = {}
    for commit in table.history():
        digests |= (commit["run"] or {}).get("digests", {})
    return digests


def _faults_of_file(table: FeatureTable, file: LoggedFile, logged: str | None) -> Iterator[str]:
    path = file.path
    info = table.storage.get_file_info(path)
    if not info.is_file:
        yield "is missing"
        return
    if info.size != file.size:
        yield f"is {info.size} bytes long, the log says {file.size}"
    try:
        receipt = read_receipt(table.storage, path)
        digest, found = _digest_of(table, path)
    except (TableError, OSError, pa.ArrowException) as error:
        if is_outage(error):
            raise
        yield f"is damaged: {in_a_line(error)}"
        return
    if file.rows is not None and found != file.rows:
        yield f"holds {found} rows, the log says {file.rows}"
    if logged is not None and digest != logged:
        yield "holds other rows than were committed: their digest is not the log's"
    if receipt is None:
        return
    if digest != receipt.digest:
        yield "holds other rows than were written: their digest is not the receipt's"
    try:
        different = differing_fields(table.contract, contract_from_json(receipt.contract))
    except ValueError as error:
        yield f"its contract cannot be read: {error}"
        return
    for field, (wanted, other) in different.items():
        yield f"its contract has {field} {other}, the table's {wanted}"


def _digest_of(table: FeatureTable, path: str) -> tuple[str, int]:
    digest, count = RowDigest(), 0
    for rows in row_groups(table.storage, path):
        lengths = rows.column("features").combine_chunks().value_lengths().unique().to_pylist()
        if lengths != [table.feature_length]:
            raise TableError(f"a row does not hold {table.feature_length} features")
        digest.add(rows)
        count += rows.num_rows
    return digest.hexdigest(), count
