"""Deleting a file of a table's folder, and never one behind a link, however fast that was made."""

import contextlib
import os
import posixpath

from pipelines.stores.places import is_remote
from pipelines.table.storage import open_folder


def delete_inside(uri: str, path: str) -> None:
    """Delete a file; a folder on the way to it that has become a link is not followed.

    Args:
        uri: the table, as `table_uri` gives it.
        path: inside its folder.

    Raises:
        OSError: it cannot be deleted.
    """
    if is_remote(uri):
        open_folder(uri).delete_file(path)
        return
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder, name = posixpath.split(path)
    with contextlib.ExitStack() as opened:
        inside = None
        for part in filter(None, (uri, *folder.split("/"))):
            inside = os.open(part, flags, dir_fd=inside)
            opened.callback(os.close, inside)
        os.unlink(name, dir_fd=inside)
