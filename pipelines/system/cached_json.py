"""JSON files in the cache, signed by this user: what others put there is not believed."""

import contextlib
import json
import os
from collections.abc import Mapping
from typing import Any

from pipelines.cli import log
from pipelines.drafts import whole_file
from pipelines.system.cache import (
    FILE_MODE,
    cache_folder,
    make_cache_folder,
    may_read_cache,
    may_use_cache,
    tell_unused,
)
from pipelines.system.owners import is_read_only
from pipelines.system.signing import NoKeyError, is_signed, signature
from pipelines.untrusted import value_from_json

SIGNATURE = "signature"


def keep_json(name: str, values: Mapping[str, Any]) -> None:
    """Write a JSON file into the cache, signed, whole or not at all.

    A cache that cannot be written only costs time: nothing is raised.

    Args:
        name: relative to the cache.
        values: what it shall hold.
    """
    if not may_use_cache(name):
        return
    with contextlib.suppress(OSError):
        path = cache_folder() / name
        make_cache_folder(path.parent)
        with whole_file(path) as file:
            os.fchmod(file.fileno(), FILE_MODE)
            file.write(signed_json(name, values))


def signed_json(name: str, values: Mapping[str, Any]) -> bytes:
    """What `kept_json` believes of a file of that name.

    Raises:
        NoKeyError: this user has no key to sign it with.
    """
    whole = {**values, SIGNATURE: signature(f"cache {name}", dict(values))}
    return json.dumps(whole, indent=2).encode()


def kept_json(name: str) -> dict[str, Any] | None:
    """Read what `keep_json` wrote; None where this user wrote nothing.

    On a read-only mount no signature is asked for.

    Args:
        name: relative to the cache.
    """
    path = cache_folder() / name
    if not path.is_file() or not may_read_cache(name):
        return None
    try:
        values = value_from_json(path.read_bytes(), dict[str, Any])
        signed = values.pop(SIGNATURE, None)
        ours = is_read_only(path) or is_signed(f"cache {name}", values, signed)
    except NoKeyError as error:
        tell_unused(str(error))
        return None
    except (OSError, ValueError):
        return None
    if not ours and signed is not None:  # without any it is an older version's
        log(f"{path} was not signed with this user's key; it is made anew")
    return values if ours else None
