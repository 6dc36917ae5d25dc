"""Stat data: a file's size and times, which tell of a change without reading it."""

import os
import stat

from pipelines.records import ImageRef


def make_ref(image_id: str, uri: str, label: str | None, split: str) -> ImageRef:
    """An input with the stat data its file has now; without any when there is no such file.

    A file that is not there costs itself only: reading it becomes a recorded failure.
    """
    return ImageRef(image_id, uri, label, split, *stat_data_of(uri))


def stat_data_of(uri: str) -> tuple[int, int, int]:
    """A file's size and times, `bytes`, `modified` and `changed` of `ImageRef`; zeros for none."""
    try:
        status = os.lstat(uri)  # a million times, which is why it is not `Path.lstat`
        changed = status.st_ctime_ns
        if stat.S_ISLNK(status.st_mode):
            status = os.stat(uri)  # noqa: PTH116
            changed = max(changed, status.st_ctime_ns)  # the link may lead elsewhere now
    except (OSError, ValueError):
        return 0, 0, 0
    return status.st_size, status.st_mtime_ns // 1000, changed // 1000


def ref_without_stat(image_id: str, uri: str, label: str | None, split: str) -> ImageRef:
    """An input of which nothing but its place is known."""
    return ImageRef(image_id, uri, label, split, bytes=0, modified=0, changed=0)
