"""Where this project keeps what is costly to get again, and whether it may be believed.

What lies in the cache decides features, so it is used only where no other user may write on the way
to it. A read-only mount is the word of whoever set it up.
"""

import contextlib
import functools
import os
import shutil
import tempfile
from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path

from pipelines.cli import local_path, log
from pipelines.errors import UsageError
from pipelines.system.owners import is_read_only, others_wrote
from pipelines.system.signing import NoKeyError, check_key, key_problem

VARIABLE = "FROZEN_FEATURES_CACHE"
FILE_MODE, FOLDER_MODE = 0o644, 0o755
"""Of all that is in the cache, whatever the umask: others may read it and nobody else write it."""


@dataclass(frozen=True, slots=True)
class CacheState:
    """What there is to say of the cache.

    Attributes:
        folder: where it is, or would be.
        writable: whether this process may write it, or make it.
        held: bytes of its files.
        free: bytes free on its disk.
        problem: why it is not used; None where it is.
    """

    folder: str
    writable: bool
    held: int
    free: int
    problem: str | None


def cache_folder() -> Path:
    """$FROZEN_FEATURES_CACHE, else the user's cache folder, else a temporary one by user number.

    Raises:
        UsageError: the variable holds a URL.
    """
    named = os.environ.get(VARIABLE)
    if named:
        try:
            return local_path(named)
        except ArgumentTypeError as error:
            raise UsageError(f"{VARIABLE}: {error}") from error
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    if Path(caches).is_absolute():
        return Path(caches) / "frozen-features"
    return Path(tempfile.gettempdir()) / f"frozen-features-{os.geteuid()}"


def may_read_cache(name: str) -> bool:
    """Whether nobody else can have written a place in the cache; if they can, that is told once.

    Args:
        name: of a file or folder, relative to the cache.
    """
    why = _why_not(name)
    if why is not None:
        tell_unused(f"{why}, or name another with {VARIABLE}")
    return why is None


def may_use_cache(name: str) -> bool:
    """Whether a place in the cache may be read, and written if the disk allows it.

    Args:
        name: of a file or folder, relative to the cache.
    """
    if not may_read_cache(name):
        return False
    try:
        if not is_read_only(cache_folder() / name):
            check_key()
    except NoKeyError as error:
        tell_unused(str(error))
        return False
    return True


def make_cache_folder(folder: Path) -> None:
    """Make a folder of the cache, and those above it, which others may read and not write.

    Raises:
        OSError: they cannot be made.
    """
    cache_folder().parent.mkdir(parents=True, exist_ok=True)
    for each in _way_to(folder.relative_to(cache_folder()).as_posix()):
        with contextlib.suppress(FileExistsError):
            each.mkdir()
            each.chmod(FOLDER_MODE)


def cache_state() -> CacheState:
    """Look at the cache without changing it."""
    folder = cache_folder()
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    held = sum(path.stat().st_size for path in files)
    problem = _why_not(".")
    if problem is None and not is_read_only(folder):
        problem = key_problem()
    return CacheState(str(folder), writable, held, shutil.disk_usage(there).free, problem)


@functools.cache
def tell_unused(why: str) -> None:
    """Say once a process that the cache is passed over."""
    log(f"the cache {cache_folder()} is not used: {why}")


def _why_not(name: str) -> str | None:
    if is_read_only(cache_folder() / name):
        return None
    return next(filter(None, map(others_wrote, _way_to(name))), None)


def _way_to(name: str) -> list[Path]:
    """The cache's folder and all below it that lead to a place, that itself included."""
    place = cache_folder() / name
    ways = [each for each in (place, *place.parents) if each.is_relative_to(cache_folder())]
    return ways[::-1]
