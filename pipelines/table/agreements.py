"""What a run left where nothing was in doubt, kept in the table's folder for the next night.

No image is named: they go by their places in the input, so that what is forgotten is not in it.
"""

import hashlib
import json
from dataclasses import asdict, dataclass

import pyarrow.fs as pafs

from pipelines.cli import log
from pipelines.table.feature_table import FeatureTable
from pipelines.table.kept_files import keep_file
from pipelines.table.schema import AGREEMENT_FOLDER, DATA_FOLDER
from pipelines.table.storage import open_folder
from pipelines.untrusted import value_from_json

NAME = f"{AGREEMENT_FOLDER}/newest.json"

MOST_BYTES = 2**20
"""Of the file."""

Places = tuple[int, ...]
"""Of images, among those of the input, ascending by id."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A version's rows are those of an input: all of them, certain by stat data, labelled alike.

    Attributes:
        version: of the table.
        files: what `files_hash` gives of it.
        inputs: what `fingerprint` gives of the images.
        lacking: images without a row.
        across_splits, under_labels, groups_across_splits: those of `Leakage`, by place.
    """

    version: int
    files: str
    inputs: str
    lacking: Places
    across_splits: tuple[Places, ...]
    under_labels: tuple[Places, ...]
    groups_across_splits: tuple[Places, ...]


def files_hash(table: FeatureTable) -> str:
    """SHA-256, hexadecimal, of the names and sizes of a version's data files."""
    files = [(file.path, file.size) for file in table.files]
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()


def files_are_there(table: FeatureTable) -> bool:
    """Whether every data file of a version is there, as large as the log says."""
    storage = table.storage
    listed = storage.get_file_info(pafs.FileSelector(DATA_FOLDER, allow_not_found=True))
    sizes = {info.path: info.size for info in listed}
    # Other programs put files elsewhere.
    others = [file.path for file in table.files if file.path not in sizes]
    sizes |= {info.path: info.size for info in storage.get_file_info(others)}
    return all(sizes.get(file.path) == file.size for file in table.files)


def keep_agreement(uri: str, agreement: Agreement) -> None:
    """Write an agreement in place of the one before; none that is too large.

    Args:
        uri: the table, as `table_uri` gives it.
        agreement: what was found.

    Raises:
        OSError: it cannot be written.
    """
    content = json.dumps(asdict(agreement)).encode()
    if len(content) > MOST_BYTES:
        return
    keep_file(uri, NAME, content)


def newest_agreement(uri: str) -> Agreement | None:
    """The agreement that was kept last; None where there is none that can be read.

    Args:
        uri: the table, as `table_uri` gives it.
    """
    try:
        with open_folder(uri).open_input_stream(NAME) as file:
            return value_from_json(file.read(MOST_BYTES), Agreement)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log(f"{uri}/{NAME} is passed over: {error}")
        return None
