"""The files of the table of failures: what forgetting deletes of them."""

import re

import pyarrow.fs as pafs

from pipelines.table.deletion import delete_inside
from pipelines.table.failures import failures_uri
from pipelines.table.links import Links
from pipelines.table.logged import logged_files
from pipelines.table.schema import FAILURES_FOLDER, LOG_FOLDER
from pipelines.table.storage import delta_errors, is_delta, open_delta, open_folder

_PART = re.compile(r"part-\d{5}-[0-9a-f-]{36}-c\d{3}\.[a-z0-9.]*parquet")
"""How delta-rs calls the data files that it writes."""

_LOG = re.compile(r"\d{20}\..+|_last_checkpoint")


def stale_failures(uri: str) -> bool:
    """Whether files of failures lie about that no version needs, as a deletion cut short leaves."""
    where = failures_uri(uri)
    live: set[str] = set()
    with delta_errors(where, "read"):
        if is_delta(where):
            live = {file.path for file in logged_files(open_delta(where)).files}
    return bool({info.base_name for info in _parts(uri)} - live)


def delete_failures(uri: str) -> None:
    """Delete the table of failures, its log included; what else its folder holds stays.

    The log goes first, its newest commit before the others: cut short, this leaves an older
    version that can be read, and files that `stale_failures` tells of.
    """
    log = _plain(uri, f"{FAILURES_FOLDER}/{LOG_FOLDER}", _LOG)
    # "_" sorts behind digits, so the hint at a checkpoint goes before what it hints at.
    for info in sorted(log, key=lambda info: info.path, reverse=True):
        delete_inside(uri, info.path)
    for info in _parts(uri):
        delete_inside(uri, info.path)


def _parts(uri: str) -> list[pafs.FileInfo]:
    return _plain(uri, FAILURES_FOLDER, _PART)


def _plain(uri: str, folder: str, pattern: re.Pattern[str]) -> list[pafs.FileInfo]:
    infos = open_folder(uri).get_file_info(pafs.FileSelector(folder, allow_not_found=True))
    links = Links(uri)
    named = [info for info in infos if info.is_file and pattern.fullmatch(info.base_name)]
    return [info for info in named if not links.on_the_way(info.path)]
