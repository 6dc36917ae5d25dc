"""Indexes as they are kept inside a table's folder, believed only if this user signed them.

The library that reads an index takes every number in it on trust, so that a file of somebody else's
could make it read any memory. What has no signature of this user's is made anew.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace

from classifiers.nearest.index import VectorIndex
from pipelines.cli import log
from pipelines.system.signing import is_signed, signature
from pipelines.table.feature_table import FeatureTable
from pipelines.table.index_files import (
    delete_index,
    new_index_path,
    record_path,
    recorded_versions,
)
from pipelines.table.schema import INDEX_FOLDER
from pipelines.table.storage import make_folder
from pipelines.untrusted import value_from_json

SIGNED_AS = "index of neighbours"

MOST_BYTES = 2**16
"""Of a record."""

KEPT = 2
"""Versions of the table whose indexes are kept."""


@dataclass(frozen=True, slots=True)
class IndexRecord:
    """What is kept of an index besides itself.

    Attributes:
        version: of the table.
        contract: id of the contract of its features.
        file: the index, inside the table's folder.
        sha256: of it.
        length: of its vectors.
        expansion: candidates that a search keeps.
        recall: share of the ten nearest that it finds with them.
        measured: images that this was measured on.
        signature: of whoever made it, of all the others.
    """

    version: int
    contract: str
    file: str
    sha256: str
    length: int
    expansion: int
    recall: float
    measured: int
    signature: str = ""


def read_nearest(table: FeatureTable) -> tuple[VectorIndex, IndexRecord] | None:
    """The index of this version of the table, or of that nearest to it; None where there is none.

    Raises:
        ModuleNotFoundError: usearch is not installed.
    """
    by_distance = sorted(recorded_versions(table.uri), key=lambda v: (abs(v - table.version), -v))
    for version in by_distance:
        try:
            record = _read_record(table, version)
            content = _read_file(table, record.file)
        except (OSError, ValueError) as error:
            log(f"the index of version {version} is made anew: {error}")
            continue
        if hashlib.sha256(content).hexdigest() != record.sha256:
            log(f"the index of version {version} is made anew: its file is not the one recorded")
            continue
        return VectorIndex.read(content, record.length, record.expansion), record
    return None


def keep(table: FeatureTable, index: VectorIndex, recall: float, measured: int) -> IndexRecord:
    """Keep an index for this version of the table; without a key or a right to write it is not.

    Args:
        table: the table.
        index: of its images.
        recall: that it has.
        measured: images that this was measured on.
    """
    content = index.content()
    record = IndexRecord(
        version=table.version,
        contract=table.contract.contract_id,
        file=new_index_path(table.version),
        sha256=hashlib.sha256(content).hexdigest(),
        length=index.length,
        expansion=index.expansion,
        recall=recall,
        measured=measured,
    )
    try:
        record = replace(record, signature=signature(SIGNED_AS, _signed(record)))
        make_folder(table.uri, INDEX_FOLDER)
        _write(table, record.file, content)
        _write(table, record_path(table.version), _as_json(record))
        _delete_others(table)
    except OSError as error:  # NoKeyError is one
        log(f"the index is not kept, and the next search builds it again: {error}")
    return record


def _delete_others(table: FeatureTable) -> None:
    versions = recorded_versions(table.uri)
    versions.sort(key=lambda version: (abs(version - table.version), -version))
    spared = set()
    for version in versions[:KEPT]:
        try:
            spared |= {record_path(version), _read_record(table, version).file}
        except (OSError, ValueError):
            continue
    delete_index(table.uri, frozenset(spared))


def _read_record(table: FeatureTable, version: int) -> IndexRecord:
    with table.storage.open_input_stream(record_path(version)) as file:
        record = value_from_json(file.read(MOST_BYTES), IndexRecord)
    if not is_signed(SIGNED_AS, _signed(record), record.signature):
        raise ValueError("it was not signed with this user's key")
    if record.version != version or record.contract != table.contract.contract_id:
        raise ValueError("it is of another table")
    if record.length != table.feature_shape[-1]:
        raise ValueError("its vectors are of another length")
    return record


def _read_file(table: FeatureTable, path: str) -> bytes:
    with table.storage.open_input_stream(path) as file:
        content: bytes = file.read()
    return content


def _write(table: FeatureTable, path: str, content: bytes) -> None:
    with table.storage.open_output_stream(path) as file:
        file.write(content)


def _as_json(record: IndexRecord) -> bytes:
    return json.dumps(asdict(record), indent=2).encode()


def _signed(record: IndexRecord) -> dict[str, object]:
    return {name: value for name, value in asdict(record).items() if name != "signature"}
