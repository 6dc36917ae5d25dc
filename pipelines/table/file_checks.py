"""Holding the data files of a feature table against its log and their own receipts."""

from collections.abc import Iterator

from pipelines.contract import contract_from_json, differing_fields
from pipelines.errors import TableError
from pipelines.stores.outages import is_outage
from pipelines.table.commit_log import read_commits
from pipelines.table.feature_table import FeatureTable
from pipelines.table.logged import LoggedFile
from pipelines.table.notes import Finding, Note, Unchecked, in_a_line
from pipelines.table.receipts import read_receipt
from pipelines.table.rows import digest_of

GIVE_UP = 3
"""Files in a row that could not be reached, after which no other is tried: each takes seconds."""


def check_files(table: FeatureTable) -> Iterator[Note]:
    """Check every data file: size, footer, contract, row count and digest against the log.

    Reads all of every file, and with it the checksum of every page. A file without a receipt was
    written by Delta's own compaction and has no digest; the rest of it is checked all the same.
    Where a store does not answer, the rest of the files is left unchecked.
    """
    yield from table.logged.refused
    digests = _digests_in_log(table)
    away = 0
    for file in table.logged.files:
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
    held = {file.path for file in table.logged.files}
    digests: dict[str, str] = {}
    for commit in read_commits(table.storage):
        # A file's path is never given to another: the first commit that names it wrote it.
        for path, digest in commit.digests.items():
            if path in held and commit.version <= table.version:
                digests.setdefault(path, digest)
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
        digest, found = digest_of(table.storage, path, table.contract, table.feature_length)
    except (TableError, OSError) as error:
        if is_outage(error):
            raise
        yield f"is damaged: {in_a_line(error).removeprefix(f'{path} is damaged: ')}"
        return
    if file.rows is not None and found != file.rows:
        yield f"holds {found} rows, the log says {file.rows}"
    if logged is not None and digest != logged:
        yield "holds other rows than were committed: their digest is not the log's"
    if receipt is None:
        return
    if digest != receipt.digest:
        yield "holds other rows than were written: their digest is not the receipt's"
    different = differing_fields(table.contract, contract_from_json(receipt.contract))
    for field, (wanted, other) in different.items():
        yield f"its contract has {field} {other}, the table's {wanted}"
