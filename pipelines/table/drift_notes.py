"""What runs found of drift, kept in the table's folder: one small file a version.

How it is found is the affair of `classifiers.drifting`. No image is named, so that what is
forgotten is not in them.
"""

import json
import re
from dataclasses import asdict, dataclass

from pipelines.cli import log
from pipelines.table.kept_files import keep_file
from pipelines.table.schema import DRIFT_FOLDER
from pipelines.table.storage import open_folder, plain_files
from pipelines.untrusted import value_from_json

_NOTE = re.compile(rf"{DRIFT_FOLDER}/(\d{{1,20}})\.json")

MOST_BYTES = 2**20
"""Of a note."""


@dataclass(frozen=True, slots=True)
class DriftNote:
    """What a version's images were found to be, against those of an earlier one.

    Attributes:
        version: of the table.
        against: the version before.
        tested: images that were new or had changed.
        roc_auc: of a classifier that tells them from those before; None where they were too few.
        roc_auc_p: its p-value.
        mmd: squared maximum mean discrepancy; None where they were too few.
        mmd_p: its p-value.
        alarms: "drift", "classes", both or neither.
        classes: that drifted.
    """

    version: int
    against: int
    tested: int
    roc_auc: float | None
    roc_auc_p: float | None
    mmd: float | None
    mmd_p: float | None
    alarms: tuple[str, ...]
    classes: tuple[str, ...]

    def in_words(self) -> str:
        """One line of it."""
        said = f"drift of version {self.version} against {self.against}: "
        if self.roc_auc is None or self.roc_auc_p is None:
            return f"{said}too few new images to tell ({self.tested:,})"
        found = f"ROC AUC {self.roc_auc:.4f}, p {self.roc_auc_p:.4f}, {self.tested:,} new images"
        told = "the images drifted" if "drift" in self.alarms else "none was found"
        also = f"; classes that drifted: {len(self.classes)}" if self.classes else ""
        return f"{said}{told} ({found}){also}"


def keep_drift(uri: str, note: DriftNote) -> None:
    """Write what was found of a version; what was there of it is replaced.

    Args:
        uri: the table, as `table_uri` gives it.
        note: what was found.

    Raises:
        OSError: it cannot be written.
    """
    content = json.dumps(asdict(note)).encode()
    keep_file(uri, f"{DRIFT_FOLDER}/{note.version}.json", content)


def newest_drift(uri: str) -> DriftNote | None:
    """What was found of the newest version that a run watched; None where none did.

    Args:
        uri: the table, as `table_uri` gives it.

    Raises:
        OSError: the folder cannot be listed.
    """
    storage = open_folder(uri)
    found = filter(None, map(_NOTE.fullmatch, plain_files(storage, DRIFT_FOLDER)))
    newest = max(found, key=lambda each: int(each[1]), default=None)
    if newest is None:
        return None
    try:
        with storage.open_input_stream(newest[0]) as file:
            return value_from_json(file.read(MOST_BYTES), DriftNote)
    except (OSError, ValueError) as error:
        log(f"{uri}/{newest[0]} is passed over: {error}")
        return None
