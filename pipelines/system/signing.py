"""This user's key, by which it knows what it wrote itself, wherever that lies.

It is kept outside of what it signs: whoever can plant a file in a cache cannot sign it.
"""

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import uuid
from argparse import ArgumentTypeError
from pathlib import Path

from pipelines.cli import local_path
from pipelines.errors import UsageError
from pipelines.system.owners import others_read, others_wrote

VARIABLE = "FROZEN_FEATURES_CACHE_KEY"
BYTES = 32
NO_HOME = f"this user has no home folder to keep a key in; name a file with {VARIABLE}"


class NoKeyError(OSError):
    """There is no key, or one that others may know; one line says which and what to do."""


def signature(what: str, values: object) -> str:
    """Sign values; the key is made when it is needed for the first time.

    Args:
        what: what they are, so that they cannot be passed off as something else.
        values: anything that JSON holds.

    Raises:
        NoKeyError: there is none that could be used, nor can one be made.
    """
    return _digest(_read() or _make(), what, values)


def is_signed(what: str, values: object, signed: object) -> bool:
    """Whether `signature` gave this for the same values; no key is made to find out.

    Raises:
        NoKeyError: there is a key, but it cannot be used.
    """
    key = _read()
    if key is None or not isinstance(signed, str):
        return False
    return hmac.compare_digest(_digest(key, what, values).encode(), signed.encode())


def key_problem() -> str | None:
    """Why the key cannot be used; None where it can, or can still be made. Nothing is changed."""
    try:
        _read()
    except NoKeyError as error:
        return str(error)
    return None if _places() else NO_HOME


def check_key() -> None:
    """Make sure that there is a key or can be one.

    Raises:
        NoKeyError: there cannot.
    """
    signature("check", None)


def _digest(key: bytes, what: str, values: object) -> str:
    text = json.dumps([what, values], sort_keys=True, allow_nan=False)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _places() -> list[Path]:
    """Where the key may be, in order: as the variable says, or among this user's settings.

    Raises:
        UsageError: the variable holds a URL.
    """
    settings = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    default = Path(settings) / "frozen-features" / "cache.key"
    named = os.environ.get(VARIABLE)
    try:
        places = [local_path(named)] if named else []
    except ArgumentTypeError as error:
        raise UsageError(f"{VARIABLE}: {error}") from error
    return [*places, default] if default.is_absolute() else places  # without a home there is none


def _read() -> bytes | None:
    for path in _places():
        if path.is_symlink() or path.exists():
            return _key_in(path)
    return None


def _key_in(path: Path) -> bytes:
    why = others_wrote(path.parent) or others_wrote(path)
    if why is not None:
        raise NoKeyError(f"its key may not be this user's: {why}")
    try:
        if others_read(path):
            raise NoKeyError(f"others may read its key {path}; delete it, they may have")
        key = path.read_bytes()
    except NoKeyError:
        raise
    except OSError as error:
        raise NoKeyError(f"its key {path} cannot be read: {error.strerror}") from error
    if len(key) < BYTES:
        raise NoKeyError(f"its key {path} has fewer than {BYTES} bytes; delete it")
    return key


def _make() -> bytes:
    failed = NO_HOME
    for path in _places():
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_new(path, secrets.token_bytes(BYTES))
        except OSError as error:
            failed = f"no key can be made at {path} ({error.strerror}); name a file with {VARIABLE}"
        else:
            return _key_in(path)
    raise NoKeyError(failed)


def _write_new(path: Path, key: bytes) -> None:
    """Put a key in a place where there is none; where another process was faster, its key stays."""
    draft = path.with_name(f".draft-{uuid.uuid4().hex}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
