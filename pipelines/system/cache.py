"""Where this project keeps what is costly to get again."""

import contextlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.drafts import write_whole


@dataclass(frozen=True, slots=True)
class CacheState:
    """What there is to say of the cache.

    Attributes:
        folder: where it is, or would be.
        writable: whether this process may write it, or make it.
        held: bytes of its files.
        free: bytes free on its disk.
    """

    folder: str
    writable: bool
    held: int
    free: int


def cache_folder() -> Path:
    """$FROZEN_FEATURES_CACHE, else the user's cache folder."""
    named = os.environ.get("FROZEN_FEATURES_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "frozen-features"


def keep_json(path: Path, values: dict[str, Any]) -> None:
    """Write a JSON file into the cache, whole or not at all, for all whom the umask lets read it.

    A cache that cannot be written only costs time: nothing is raised.
    """
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(values, indent=2).encode())


def cache_state() -> CacheState:
    """Look at the cache without changing it."""
    folder = cache_folder()
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    held = sum(path.stat().st_size for path in files)
    return CacheState(str(folder), writable, held, shutil.disk_usage(there).free)
