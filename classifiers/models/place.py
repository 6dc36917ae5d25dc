"""Where a model lies, and putting a new one there without ever losing one.

A training writes into a hidden draft. Once that is whole it is `MODEL.new-...` beside the model's
place; the model before becomes `MODEL.before-...`, the new one takes its name, and only then is
the one before deleted. Whenever a process is killed, the last whole model has one of these names.
"""

import contextlib
import glob
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from classifiers.heads.catalogue import fitted_files
from pipelines.cli import log
from pipelines.errors import ModelError, UsageError
from pipelines.outputs import TABLES, require_outside

CARD_FILE = "card.json"
HISTORY_FILE = "history.csv"
CURVES_FILE = "curves.png"
CONFUSION_FILE = "confusion.png"
BASE_FILE = "base.onnx"
"""A copy of the quantised base, so that a model whose table is gone still takes images."""

NEW = ".new-"
BEFORE = ".before-"

MOUNTS = Path("/proc/self/mountinfo")


def check_target(folder: Path, *, overwrite: bool) -> None:
    """Refuse a place where a model cannot be written, before hours go into training it.

    Nothing that is there is touched, and models left by a training that was stopped are told.

    Raises:
        UsageError: something else is there, or a model is and must not or cannot be replaced.
        OSError: the folder above cannot be made or written.
    """
    folder = _followed(folder)
    require_outside(folder, "--model", TABLES)
    _check_taken(folder, overwrite=overwrite)
    for above in folder.parents:
        if above.exists() and not above.is_dir():
            raise UsageError(f"--model {folder} cannot be made: {above} is a file")
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        _check_replaceable(folder)
    # Its name is as long as the longest that will be needed.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}", suffix=BEFORE):
        pass
    _tell_left_beside(folder)


@contextlib.contextmanager
def model_draft(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """A folder to write a model into; it takes its name only when all of it is written.

    Args:
        folder: the model's.
        overwrite: whether it may take the place of a model.

    Raises:
        ModelError: it cannot take its name, for instance because another model came there
            meanwhile; it is kept beside it.
    """
    folder = _followed(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        draft = Path(temporary) / "model"
        draft.mkdir()
        yield draft
        token = Path(temporary).name.removeprefix(f".{folder.name}-")
        new = folder.with_name(f"{folder.name}{NEW}{token}")
        draft.rename(new)  # out of what is cleaned up
    _put_in_place(new, folder, folder.with_name(f"{folder.name}{BEFORE}{token}"), overwrite)


def model_files() -> set[str]:
    """What the files of a model can be called."""
    drawn = {CURVES_FILE, CONFUSION_FILE}
    return {CARD_FILE, HISTORY_FILE, BASE_FILE, *drawn, *fitted_files()}


def left_beside(folder: Path) -> list[Path]:
    """Whole models that trainings left beside a model's place because they were stopped."""
    folder = _followed(folder)
    found = (folder.parent.glob(f"{glob.escape(folder.name)}{mark}*") for mark in (BEFORE, NEW))
    return [path for some in found for path in sorted(some) if (path / CARD_FILE).is_file()]


def _put_in_place(new: Path, folder: Path, before: Path, overwrite: bool) -> None:
    try:
        _check_taken(folder, overwrite=overwrite)
        if folder.exists() and any(folder.iterdir()):
            folder.rename(before)
        new.rename(folder)
    except BaseException as error:
        if before.exists() and not folder.exists():
            with contextlib.suppress(OSError):
                before.rename(folder)
        if isinstance(error, UsageError | OSError):
            raise ModelError(f"{error}; this model is in {new}") from error
        _tell_left_beside(folder)
        raise
    if before.exists():
        try:
            (before / CARD_FILE).unlink()  # from here on it is no model any more
            shutil.rmtree(before)
        except OSError as error:
            log(f"the model before could not be deleted: {error}")


def _followed(folder: Path) -> Path:
    """Where a link leads: the link stays, what it leads to is replaced."""
    return folder.resolve() if folder.is_symlink() else folder


def _check_taken(folder: Path, *, overwrite: bool) -> None:
    if folder.exists():
        ours = folder.is_dir() and ((folder / CARD_FILE).is_file() or not any(folder.iterdir()))
        if not ours:
            raise UsageError(f"--model {folder} exists and is no model folder; name another")
        if any(folder.iterdir()) and not overwrite:
            raise UsageError(f"--model {folder} holds a model; name another, or give --overwrite")
        strangers = sorted({path.name for path in folder.iterdir()} - model_files())
        if strangers:
            raise UsageError(
                f"--overwrite would delete {folder / strangers[0]}, which is no part of a model; "
                "move it, or name another --model"
            )


def _check_replaceable(folder: Path) -> None:
    above = folder.parent.stat()
    others = above.st_mode & stat.S_ISVTX and os.geteuid() not in (
        *(0, above.st_uid),
        folder.stat().st_uid,
    )
    if _is_mounted(folder):
        raise UsageError(
            f"--model {folder} cannot be replaced: something is mounted there; name a folder in it"
        )
    if others or not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(
            f"--model {folder} cannot be replaced: its owner does not allow it; name another"
        )


def _is_mounted(folder: Path) -> bool:
    if folder.is_mount():
        return True
    # What is mounted from the same file system is seen in the list of mounts only.
    name = os.fsencode(folder.resolve()).replace(b"\\", b"\\134")
    for blank in (b" ", b"\t", b"\n"):
        name = name.replace(blank, b"\\%03o" % ord(blank))
    try:
        mounts = MOUNTS.read_bytes().splitlines()
    except OSError:  # no Linux
        return False
    return any(fields[4:5] == [name] for fields in map(bytes.split, mounts))


def _tell_left_beside(folder: Path) -> None:
    for model in left_beside(folder):
        log(f"{model} is a model that a training could not put in place; move it or delete it")
