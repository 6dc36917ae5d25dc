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

from pipelines.contract import Contract
from pipelines.engines.kinds import EngineKind
from pipelines.system.cache import cache_folder
from pipelines.system.signals import always_clean_up, clean_up_when_stopped

CONVERTED_FOLDER = "converted"
"""Where conversions lie inside the cache."""

DIGESTS_FILE = "digests.json"
DRAFT = ".draft-"
DRAFT_SECONDS = 86_400
"""Age from which a draft is taken for that of a dead process; a conversion takes seconds."""

_NOT_COMPUTED = ("interpolation", "orientation", "precision")


def computed_part(contract: Contract) -> dict[str, Any]:
    """What of a contract decides what a base computes; how pixels and results are kept does not."""
    values: dict[str, Any] = json.loads(contract.canonical_json())
    return {name: value for name, value in values.items() if name not in _NOT_COMPUTED}


def conversion_of(kind: EngineKind, contract: Contract, make: Callable[[Path], None]) -> Path:
    """The folder of a base's conversion, made if it is not in the cache or was damaged there.

    Where the cache cannot be written, the conversion lives as long as the process.

    Args:
        kind: the engine it is for.
        contract: what is to be computed.
        make: converts into a folder and makes sure of the result.

    Raises:
        EngineError: `make` did.
    """
    key = json.dumps(computed_part(contract), sort_keys=True)
    name = f"{kind.name}-{kind.version}/{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    try:
        return _made_in(cache_folder() / CONVERTED_FOLDER / name, make)
    except OSError:  # read-only, full, or somebody else's
        return _made_in(_own_folder() / name, make)


def _made_in(folder: Path, make: Callable[[Path], None]) -> Path:
    if _intact(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    _clear_old_drafts(folder.parent)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=DRAFT))
    remove = functools.partial(shutil.rmtree, draft, ignore_errors=True)
    try:
        with clean_up_when_stopped(remove):
            make(draft)
            digests = {path.name: _digest(path) for path in draft.iterdir()}
            (draft / DIGESTS_FILE).write_text(json.dumps(digests), encoding="utf-8")
            draft.chmod(0o755)  # a cache may be shared
            if folder.exists() and not _intact(folder):
                shutil.rmtree(folder, ignore_errors=True)
            try:
                draft.rename(folder)
            except OSError:
                if not _intact(folder):  # else another process made the same one first
                    raise
    finally:
        remove()
    return folder


def _clear_old_drafts(folder: Path) -> None:
    """Remove what processes that were killed while converting left behind."""
    for draft in folder.glob(f"{DRAFT}*"):
        with contextlib.suppress(OSError):  # it took its name just now
            if draft.stat().st_mtime < time.time() - DRAFT_SECONDS:
                shutil.rmtree(draft, ignore_errors=True)


def _intact(folder: Path) -> bool:
    try:
        digests = json.loads((folder / DIGESTS_FILE).read_text(encoding="utf-8"))
        sound = (_digest(folder / name) == digest for name, digest in digests.items())
        return bool(digests) and all(sound)
    except (OSError, ValueError, AttributeError):
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
