"""Converted bases on disk, by contract: a later run neither converts nor imports Keras."""

import atexit
import contextlib
import functools
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.cli import log
from pipelines.contract import Contract
from pipelines.engines.kinds import EngineKind
from pipelines.errors import EngineError, UsageError, WeightsError
from pipelines.system.cache import (
    FILE_MODE,
    FOLDER_MODE,
    cache_folder,
    make_cache_folder,
    may_use_cache,
)
from pipelines.system.cached_json import kept_json, signed_json
from pipelines.system.signals import always_clean_up, clean_up_when_stopped

CONVERTED_FOLDER = "converted"
"""Where conversions lie inside the cache."""

DIGESTS_FILE = "digests.json"
DRAFT = ".draft-"
DRAFT_SECONDS = 86_400
"""Age from which a draft is taken for that of a dead process; a conversion takes seconds."""

_NOT_COMPUTED = ("interpolation", "orientation", "precision", "resize")

_made: set[str] = set()


def computed_part(contract: Contract) -> dict[str, Any]:
    """What of a contract decides what a base computes; how pixels and results are kept does not."""
    values: dict[str, Any] = json.loads(contract.canonical_json())
    return {name: value for name, value in values.items() if name not in _NOT_COMPUTED}


def conversion_of(kind: EngineKind, contract: Contract, make: Callable[[Path], None]) -> Path:
    """The folder of a base's conversion, made if the cache holds none that is ours and whole.

    Where the cache cannot be used or written, the conversion lives as long as the process.

    Args:
        kind: the engine it is for.
        contract: what is to be computed.
        make: converts into a folder and makes sure of the result.

    Raises:
        EngineError: `make` did.
    """
    key = json.dumps(computed_part(contract), sort_keys=True)
    name = f"{kind.name}-{kind.version}/{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    if may_use_cache(f"{CONVERTED_FOLDER}/{name}"):
        try:
            return _kept(f"{CONVERTED_FOLDER}/{name}", make)
        except (EngineError, UsageError, WeightsError):
            raise
        except Exception as error:  # a full disk is no OSError to a library, but "basic_ios::clear"
            said = " ".join(str(error).split())
            log(f"the cache {cache_folder()} takes no conversion; making one without it ({said})")
    return _made_here(name, make)


def _kept(name: str, make: Callable[[Path], None]) -> Path:
    folder = cache_folder() / name
    if _intact(name):
        return folder
    make_cache_folder(folder.parent)
    _clear_old_drafts(folder.parent)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=DRAFT))
    remove = functools.partial(shutil.rmtree, draft, ignore_errors=True)
    try:
        with clean_up_when_stopped(remove):
            make(draft)
            digests = {path.name: _digest(path) for path in draft.iterdir()}
            signed = signed_json(f"{name}/{DIGESTS_FILE}", digests)
            (draft / DIGESTS_FILE).write_bytes(signed)
            for path in draft.iterdir():
                path.chmod(FILE_MODE)
            draft.chmod(FOLDER_MODE)
            if folder.exists() and not _intact(name):
                shutil.rmtree(folder, ignore_errors=True)
            try:
                draft.rename(folder)
            except OSError:
                if not _intact(name):  # else another process made the same one first
                    raise
    finally:
        remove()
    return folder


def _made_here(name: str, make: Callable[[Path], None]) -> Path:
    """Make a conversion that lives as long as the process."""
    folder = _own_folder() / name
    if name not in _made:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        _made.add(name)
    return folder


def _clear_old_drafts(folder: Path) -> None:
    """Remove what processes that were killed while converting left behind."""
    for draft in folder.glob(f"{DRAFT}*"):
        with contextlib.suppress(OSError):  # it took its name just now
            if draft.stat().st_mtime < time.time() - DRAFT_SECONDS:
                shutil.rmtree(draft, ignore_errors=True)


def _intact(name: str) -> bool:
    digests = kept_json(f"{name}/{DIGESTS_FILE}") or {}
    folder = cache_folder() / name
    try:
        return bool(digests) and all(_digest(folder / file) == digests[file] for file in digests)
    except OSError:
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def _own_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="frozen-features-"))
    remove = functools.partial(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(remove)
    always_clean_up(remove)
    return folder
