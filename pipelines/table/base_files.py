"""The quantised bases that a table's folder keeps: each a file named by its hash, and a record."""

import hashlib
import posixpath
from pathlib import Path

from pipelines.bases.quantised import BASE_FOLDER, quantised_path
from pipelines.contract import Contract
from pipelines.drafts import write_whole
from pipelines.stores.places import is_remote
from pipelines.table.properties import known_contract
from pipelines.table.storage import make_folder, open_folder, plain_files

MOST_BYTES = 2**16
"""Of a record, which is a contract."""


def keep_base(uri: str, contract: Contract, content: bytes) -> None:
    """Keep a quantised base in a table's folder, before the table's first row is made.

    Args:
        uri: the table, as `table_uri` gives it.
        contract: of the features; names the base.
        content: the base's file.

    Raises:
        OSError: the folder cannot be written.
    """
    assert contract.quantisation is not None
    path = quantised_path(contract.quantisation.base)
    make_folder(uri, BASE_FOLDER)
    _write(uri, path, content)
    # Last: whoever finds the record finds the base.
    record = contract.canonical_json().encode()
    _write(uri, f"{BASE_FOLDER}/{hashlib.sha256(record).hexdigest()}.json", record)


def kept_contracts(uri: str) -> list[Contract]:
    """The contracts that a folder keeps quantised bases for, in the order of their ids.

    What is no record, or not the one that its name says, is passed over.

    Raises:
        OSError: the folder cannot be read.
    """
    if not is_remote(uri) and not (Path(uri) / BASE_FOLDER).is_dir():
        return []
    storage, found = open_folder(uri), []
    for path in sorted(plain_files(storage, BASE_FOLDER)):
        name, suffix = posixpath.splitext(posixpath.basename(path))
        if suffix != ".json":
            continue
        with storage.open_input_stream(path) as file:
            text = file.read(MOST_BYTES)
        if hashlib.sha256(text).hexdigest() != name:
            continue
        try:
            found.append(known_contract(text.decode()))
        except ValueError:
            continue
    return found


def _write(uri: str, path: str, content: bytes) -> None:
    if not is_remote(uri):
        write_whole(Path(uri) / path, content)
        return
    with open_folder(uri).open_output_stream(path) as file:
        file.write(content)
