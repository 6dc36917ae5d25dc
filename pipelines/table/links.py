"""What in a table's folder is no plain file: links, and where they lead; pipes and devices."""

import functools
import os
import posixpath
import stat
from pathlib import Path

from pipelines.stores.places import is_remote


class Links:
    """Looks at the links of one table's folder; on a store there are none."""

    def __init__(self, uri: str) -> None:
        """Look at a table's folder.

        Args:
            uri: what `table_uri` gives.
        """
        self._root = None if is_remote(uri) else os.path.realpath(uri)
        # Files share their folders: each is looked at once.
        self._folder_leads_out = functools.lru_cache(maxsize=4096)(self._leads_out)
        self._link_above = functools.lru_cache(maxsize=4096)(self._on_the_way)

    def lead_out(self, path: str) -> bool:
        """Whether a path inside the table's folder ends outside of it, through links."""
        if self._root is None:
            return False
        if self._folder_leads_out(posixpath.dirname(path)):
            return True
        return Path(self._root, path).is_symlink() and self._leads_out(path)

    def on_the_way(self, path: str) -> bool:
        """Whether a path inside the table's folder is a link, or leads through one."""
        if self._root is None:
            return False
        return self._link_above(posixpath.dirname(path)) or Path(self._root, path).is_symlink()

    def is_special(self, path: str) -> bool:
        """Whether a path inside the table's folder is a pipe, a socket or a device.

        Opening one may wait for ever.
        """
        if self._root is None:
            return False
        try:
            mode = Path(self._root, path).stat().st_mode
        except OSError:  # nothing that could be opened
            return False
        return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)

    def _leads_out(self, path: str) -> bool:
        root = self._root or ""
        end = os.path.realpath(Path(root, path))
        return end != root and not end.startswith(root.rstrip("/") + "/")

    def _on_the_way(self, folder: str) -> bool:
        if not folder:
            return False
        above = self._link_above(posixpath.dirname(folder))
        return above or Path(self._root or "", folder).is_symlink()
