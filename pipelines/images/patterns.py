"""Files named by a pattern: `shards-{000..012}.tar`, `*.zip`, locally or on a store."""

import fnmatch
import glob
import itertools
import posixpath
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.errors import InputError
from pipelines.stores.door import require_store
from pipelines.stores.objects import list_objects
from pipelines.stores.places import is_remote, parse_place

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"([0-9]+)\.\.([0-9]+)")
MOST = 1_000_000
"""Files that a pattern may name."""


def is_pattern(location: str) -> bool:
    """Whether a location names several files, and is none by itself."""
    if not any(sign in location for sign in "*?[{"):
        return False
    return is_remote(location) or not Path(location).exists()


def files_of(pattern: str) -> list[str]:
    """The files that a pattern names, ascending.

    Args:
        pattern: with `*`, `?`, `[...]`, `{a,b}` or `{000..012}`.

    Raises:
        InputError: it names none.
        UsageError: it is no place on a store.
        StoreError: the store does not list them.
    """
    if is_remote(pattern):
        parse_place(pattern)  # a signature holds what patterns do, and is refused
    fixed = re.split(r"[*?\[{]", pattern, maxsplit=1)[0].rpartition("/")[0]
    if "://" in fixed:  # and not in the bucket's own name
        require_store(parse_place(fixed))
    files = sorted({file for each in _without_braces(pattern) for file in _matching(each)})
    if not files:
        raise InputError(f"no file is named by {pattern}")
    return files


def above_all(files: Sequence[str]) -> str:
    """The folder or prefix that all files lie in."""
    scheme, mark, _ = files[0].partition("://")
    plain = [
        posixpath.dirname(file.removeprefix(scheme + mark) if mark else file) for file in files
    ]
    return (scheme + mark if mark else "") + posixpath.commonpath(plain)


def _without_braces(pattern: str) -> list[str]:
    found = _BRACES.search(pattern)
    if found is None:
        return [pattern]
    before, after = pattern[: found.start()], pattern[found.end() :]
    choices = itertools.islice(_choices(found[1]), MOST + 1)
    named = [rest for each in choices for rest in _without_braces(before + each + after)]
    if len(named) > MOST:
        raise InputError(f"{pattern} names more than {MOST:,} files")
    return named


def _choices(inside: str) -> Iterator[str]:
    between = _RANGE.fullmatch(inside)
    if between is None:
        yield from inside.split(",")
        return
    width = len(between[1]) if between[1].startswith("0") else 0
    for number in range(int(between[1]), int(between[2]) + 1):
        yield str(number).zfill(width)


def _matching(pattern: str) -> list[str]:
    if not is_remote(pattern):
        pattern = str(Path(pattern).absolute())
    if not any(sign in pattern for sign in "*?["):
        return [pattern]
    if not is_remote(pattern):
        return glob.glob(pattern)  # noqa: PTH207 - a whole path, whose every part may be a pattern
    if is_remote(pattern):
        parse_place(pattern)  # a signature holds what patterns do, and is refused
    fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0].rpartition("/")[0]
    root = parse_place(fixed)
    uris = (root.at(stat.key).uri for page in list_objects(root) for stat in page)
    depth = pattern.count("/")
    return [
        each for each in uris if each.count("/") == depth and fnmatch.fnmatchcase(each, pattern)
    ]
