"""Finished but uncommitted files: those of this run, and of runs that died before their commit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow.fs as pafs

from pipelines.contract import Contract
from pipelines.errors import CommitRefusedError, TableError
from pipelines.records import Failure, ImageRef
from pipelines.table.inspection import InspectedFile, inspect_file
from pipelines.table.schema import DATA_FOLDER


@dataclass(frozen=True, slots=True)
class FinishedWork:
    """What uncommitted files hold of the inputs; no image twice.

    Attributes:
        files: the files to commit, by path; none without rows.
        rows: ids of their rows.
        failures: by id, the images that they say could not be used.
        waste: paths of files that are finished but add nothing, such as a second attempt's.
    """

    files: tuple[InspectedFile, ...]
    rows: frozenset[str]
    failures: Mapping[str, Failure]
    waste: tuple[str, ...]


def find_uncommitted(
    storage: pafs.FileSystem, committed: Iterable[str], contract: Contract
) -> list[InspectedFile]:
    """Find the finished files of this contract that the table does not hold, ascending by path.

    Files that are unfinished, damaged or of another contract are nobody's work and left alone.
    """
    selector = pafs.FileSelector(DATA_FOLDER, allow_not_found=True, recursive=False)
    paths = {info.path for info in storage.get_file_info(selector) if info.is_file}
    wanted = contract.canonical_json()
    files = []
    for path in sorted(paths - set(committed)):
        try:
            file = inspect_file(storage, path)
        except (TableError, CommitRefusedError):
            continue
        if file.receipt.contract == wanted:
            files.append(file)
    return files


def match_finished(
    files: Iterable[InspectedFile], inputs: Mapping[str, ImageRef], run: str, keep_failures: bool
) -> FinishedWork:
    """Choose among finished files those whose every row is an input as it is now.

    A file is taken by what its rows hold, never by its name, so that work survives a change of
    plan between two runs.

    Args:
        files: what `find_uncommitted` found.
        inputs: by id, the inputs that the table does not hold yet.
        run: this run's id; failures of its own files always count.
        keep_failures: count lasting failures of earlier runs' files; False to try them again.
    """
    taken: list[InspectedFile] = []
    waste: list[str] = []
    rows: set[str] = set()
    failures: dict[str, Failure] = {}
    for file in files:
        ids = [row["image_id"] for row in file.keys.to_pylist() if _is_current(row, inputs)]
        if ids and len(ids) == file.receipt.rows and rows.isdisjoint(ids):
            taken.append(file)
            rows.update(ids)
        else:
            waste.append(file.path)
        for failure in file.receipt.failures:
            counts = file.receipt.run == run or (failure.lasting and keep_failures)
            if counts and inputs.get(failure.ref.image_id) == failure.ref:
                failures[failure.ref.image_id] = failure
    remaining = {name: each for name, each in failures.items() if name not in rows}
    return FinishedWork(tuple(taken), frozenset(rows), remaining, tuple(waste))


def _is_current(row: dict[str, object], inputs: Mapping[str, ImageRef]) -> bool:
    ref = inputs.get(str(row["image_id"]))
    if ref is None:
        return False
    found = (row["label"], row["split"], row["bytes"], row["modified"])
    return found == (ref.label, ref.split, ref.bytes, ref.modified)
