"""Files of a version from a bucket, kept in the cache so that each is downloaded once."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from classifiers.models.versions.record import Record, is_whole
from pipelines.errors import ModelError
from pipelines.stores.objects import TooLargeError, object_blocks
from pipelines.stores.places import Place
from pipelines.system.cache import FILE_MODE, cache_folder, make_cache_folder, may_read_cache

MODELS = "models"
"""In the cache."""


@contextlib.contextmanager
def fetched(folder: Place, record: Record) -> Iterator[Path]:
    """A local folder with the files of a version, held against its record.

    Where the cache cannot be used it is a temporary one.

    Args:
        folder: where the files lie.
        record: of the version.

    Raises:
        ModelError: they are not what the record says.
        OSError: the store does not give them, or they cannot be written.
    """
    kept = cache_folder() / MODELS / hashlib.sha256(record.as_bytes()).hexdigest()
    usable = may_read_cache(MODELS)
    if usable and is_whole(kept, record):
        yield kept
        return
    above = _writable(kept.parent) if usable else None
    with tempfile.TemporaryDirectory(dir=above, prefix=".draft-") as temporary:
        draft = Path(temporary) / "model"
        draft.mkdir()
        _download(folder, record, draft)
        yield _moved(draft, kept, record) if above is not None else draft


def _download(folder: Place, record: Record, draft: Path) -> None:
    for name, held in record.files.items():
        with (draft / name).open("wb") as file, contextlib.suppress(TooLargeError):
            for block in object_blocks(folder.inside(name).uri, held.bytes):
                file.write(block)
        (draft / name).chmod(FILE_MODE)
    if not is_whole(draft, record):
        raise ModelError(
            f"{folder.uri} does not hold what was put there; promote or train the model again"
        )


def _writable(folder: Path) -> Path | None:
    try:
        make_cache_folder(folder)
        with tempfile.TemporaryDirectory(dir=folder):
            return folder
    except OSError:
        return None


def _moved(draft: Path, kept: Path, record: Record) -> Path:
    """Where the files are now: another process may have put the same ones there first."""
    if kept.exists() and not is_whole(kept, record):
        shutil.rmtree(kept, ignore_errors=True)
    try:
        draft.rename(kept)
    except OSError:
        return kept if is_whole(kept, record) else draft
    return kept
