"""The folder that a run's images lay in, as the table's log keeps it.

A log may be anybody's, and could name any folder. So a root is signed by whoever extracted it, and
only that user's commands open what lies in it without being asked to.
"""

from argparse import ArgumentTypeError
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.images.manifest import Fence, fence_around
from pipelines.stores.places import is_remote, parse_place
from pipelines.system.signing import NoKeyError, is_signed, signature

SIGNED_AS = "root of an input"


@dataclass(frozen=True, slots=True)
class SignedRoot:
    """A folder, or a prefix on a store.

    Attributes:
        root: where it is.
        signature: of the user who extracted it; None where that one could not sign.
    """

    root: str
    signature: str | None


def sign_root(root: str) -> SignedRoot:
    """Sign a root; where this user has no key, it stays unsigned."""
    try:
        return SignedRoot(root, signature(SIGNED_AS, root))
    except NoKeyError:
        return SignedRoot(root, None)


def signed_roots(history: Iterable[Mapping[str, Any]]) -> list[str]:
    """The roots that this user extracted, as the commits of a table tell.

    Args:
        history: what `FeatureTable.history` gives; nothing in it is taken on trust.
    """
    roots: dict[str, None] = {}
    for commit in history:
        run = commit.get("run")
        kept = run.get("input") if isinstance(run, dict) else None
        if not isinstance(kept, dict):
            continue
        root = kept.get("root")
        if isinstance(root, str) and root not in roots and _is_ours(root, kept.get("signature")):
            roots[root] = None
    return list(roots)


def fence_around_root(root: str) -> Fence:
    """The fence around a folder or prefix.

    Raises:
        UsageError: it is on no store that is known.
    """
    return fence_around(parse_place(root) if is_remote(root) else Path(root).absolute())


def fence_named(text: str) -> Fence:
    """The value of an option that names a folder or prefix whose images may be opened."""
    if not text:
        raise ArgumentTypeError("it is empty; is a variable not set?")
    return fence_around_root(text)


def _is_ours(root: str, signed: object) -> bool:
    try:
        return is_signed(SIGNED_AS, root, signed)
    except NoKeyError:
        return False
