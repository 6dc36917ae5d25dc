"""Finished but uncommitted files: those of this run, and of runs that died before their commit."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.fs as pafs

from pipelines.contract import Augmentation, Contract
from pipelines.errors import CommitRefusedError, TableError
from pipelines.images.hashing import ContentHashes
from pipelines.images.picked import among
from pipelines.planning.comparison import stat_agrees
from pipelines.records import Failure, ImageRef, is_copy
from pipelines.system.threads import map_ahead
from pipelines.table.inspection import InspectedFile, inspect_file
from pipelines.table.names import is_of_run
from pipelines.table.receipts import read_receipt
from pipelines.table.rewriting import Placement, placement_of
from pipelines.table.schema import DATA_FOLDER, is_optional
from pipelines.table.storage import is_local, plain_files
from pipelines.table.stored import StoredImage, stored_images


@dataclass(frozen=True, slots=True)
class FinishedWork:
    """What uncommitted files hold of the wanted inputs; no image twice.

    Attributes:
        files: the files to commit as they are.
        salvage: files of which only some rows are wanted, or under another label, split or group:
            path to what is to be kept of it.
        rows: SHA-256 of the images of the rows in `files` and `salvage`, by name.
        failures: by name, the rows that receipts say could not be made.
        waste: this run's files that add nothing, such as those of a second attempt.
    """

    files: tuple[InspectedFile, ...]
    salvage: Mapping[str, Mapping[str, Placement]]
    rows: Mapping[str, str]
    failures: Mapping[str, Failure]
    waste: tuple[str, ...]


INSPECTING_THREADS = 8

NO_WORK = FinishedWork((), {}, {}, {}, ())


def find_uncommitted(
    storage: pafs.FileSystem, committed: Iterable[str], contract: Contract
) -> list[InspectedFile]:
    """Find the finished files of this contract that the table does not hold, ascending by path.

    Files that are unfinished, damaged or of another contract are nobody's work and left alone.
    """
    paths = set(plain_files(storage, DATA_FOLDER))
    wanted = contract.canonical_json()

    def inspect(path: str) -> InspectedFile | None:
        try:
            file = inspect_file(storage, path)
        except (TableError, CommitRefusedError, OSError, pa.ArrowException):
            return None
        return file if file.receipt.contract == wanted else None

    # On threads, because a store takes its time to answer, several times a file; a disk does not.
    threads = 1 if is_local(storage) else INSPECTING_THREADS
    new = sorted(paths - set(committed))
    files = map_ahead(inspect, new, threads, 2 * threads, "inspect")
    return [file for file in files if file is not None]


def match_finished(
    files: Iterable[InspectedFile],
    wanted: Mapping[str, ImageRef],
    hashes: ContentHashes,
    intact: Callable[[InspectedFile], bool],
    run: str,
    keep_failures: bool,
    augmentation: Augmentation,
) -> FinishedWork:
    """Choose among finished files the rows that are wanted, by what they hold and never by name.

    So work survives a change of plan between two runs.

    Args:
        files: what `find_uncommitted` found.
        wanted: by name, the inputs that need a row.
        hashes: for inputs whose stat data leave doubt.
        intact: tells whether a file of another run is whole; it may have lain through a power cut.
        run: this run's id; what its own files say always counts.
        keep_failures: count lasting failures of earlier runs' files; False to try them again.
        augmentation: how copies are wanted; those that were made differently are not taken.
    """
    policy = augmentation.canonical_json()
    taken: list[InspectedFile] = []
    salvage: dict[str, dict[str, Placement]] = {}
    waste: list[str] = []
    rows: dict[str, str] = {}
    failures: dict[str, Failure] = {}
    for file in files:
        own = file.receipt.run == run
        stored = stored_images(file.keys.append_column("path", _repeated(file)))
        if file.receipt.augmentation != policy:
            stored = {name: row for name, row in stored.items() if not is_copy(name)}
        keep = _wanted_rows(stored, wanted, hashes, rows, own=own)
        if keep and not own and not intact(file):
            continue
        as_is = all(placement_of(stored[name]) == keep[name] for name in keep)
        as_is = as_is and all(is_optional(field) for field in file.added)
        if keep and len(keep) == file.keys.num_rows and as_is:
            taken.append(file)
        else:
            if keep:
                salvage[file.path] = keep
            if own:
                waste.append(file.path)
        rows.update((name, stored[name].sha256) for name in keep)
        for failure in file.receipt.failures:
            counts = own or (failure.lasting and keep_failures)
            if counts and wanted.get(failure.ref.name) == failure.ref:
                failures[failure.ref.name] = failure
    remaining = {name: each for name, each in failures.items() if name not in rows}
    return FinishedWork(tuple(taken), salvage, rows, remaining, tuple(waste))


def add_own_failures(
    work: FinishedWork,
    storage: pafs.FileSystem,
    committed: Iterable[str],
    wanted: Mapping[str, ImageRef],
    run: str,
) -> FinishedWork:
    """Add the failures in this run's files that another run was so quick as to commit."""
    failures = dict(work.failures)
    for path in committed:
        if is_of_run(path, run):
            receipt = read_receipt(storage, path)
            for failure in receipt.failures if receipt is not None else ():
                name = failure.ref.name
                if wanted.get(name) == failure.ref and name not in work.rows:
                    failures[name] = failure
    return replace(work, failures=failures)


def _wanted_rows(
    stored: Mapping[str, StoredImage],
    wanted: Mapping[str, ImageRef],
    hashes: ContentHashes,
    taken: Mapping[str, str],
    own: bool,
) -> dict[str, Placement]:
    found = among(wanted, (name for name in stored if name not in taken))
    met = [(ref, stored[name]) for name, ref in found.items()]
    doubtful = [] if own else [ref for ref, row in met if not stat_agrees(ref, row)]
    known = hashes.of(doubtful) if doubtful else {}
    return {
        ref.name: placement_of(ref)
        for ref, row in met
        if known.get(ref.uri, row.sha256) == row.sha256
    }


def _repeated(file: InspectedFile) -> pa.Array:
    return pa.array([file.path] * file.keys.num_rows, pa.string())
