"""Who else than this user may have written, or may read, what lies somewhere."""

import functools
import grp
import os
import pwd
import stat
from pathlib import Path

_ACCESS_LIST = "system.posix_acl_access"


def others_wrote(path: Path) -> str | None:
    """Why a file or folder may hold what another user put there.

    Root is no other user. In a sticky folder, as `/tmp` is, nobody can replace what is not theirs,
    so that what lies in it is judged by itself.

    Returns:
        One line; None where nobody else can have, or where nothing is.
    """
    try:
        link, there = path.lstat(), path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{path} cannot be looked at ({error.strerror})"
    for owner in (link.st_uid, there.st_uid):
        if owner not in (os.geteuid(), 0):
            return f"{path} belongs to user {_name(owner)}"
    if there.st_mode & stat.S_ISVTX and stat.S_ISDIR(there.st_mode):
        return None
    if there.st_mode & stat.S_IWOTH:
        return f"anybody may write {path}; chmod go-w helps"
    if there.st_mode & stat.S_IWGRP and _is_listed(path):
        return f"a list of users and groups may write {path}; setfacl -b helps"
    if there.st_mode & stat.S_IWGRP and _others_in(there.st_gid):
        return f"others of group {there.st_gid} may write {path}; chmod g-w helps"
    return None


def is_read_only(path: Path) -> bool:
    """Whether a place, or the nearest folder above it that is there, is mounted read-only."""
    nearest = next(each for each in (path, *path.absolute().parents) if each.exists())
    return bool(os.statvfs(nearest).f_flag & os.ST_RDONLY)


def others_read(path: Path) -> bool:
    """Whether another user but root may read a file."""
    there = path.stat()
    by_group = there.st_mode & stat.S_IRGRP and (_is_listed(path) or _others_in(there.st_gid))
    return bool(there.st_mode & stat.S_IROTH or by_group)


def _is_listed(path: Path) -> bool:
    """Whether an access control list names who may; its widest right shows as that of the group."""
    try:
        return _ACCESS_LIST in os.listxattr(path)
    except (AttributeError, OSError):  # on no system, and no disk, that has such lists
        return False


@functools.cache
def _others_in(group: int) -> bool:
    """Whether anybody else is known to be in a group; a user's own has this user alone."""
    us = {os.geteuid(), 0}
    try:
        members = grp.getgrgid(group).gr_mem
    except KeyError:
        members = []
    ours = {each.pw_name for each in pwd.getpwall() if each.pw_uid in us}
    named = set(members) - ours
    return bool(named) or any(
        each.pw_gid == group and each.pw_uid not in us for each in pwd.getpwall()
    )


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
