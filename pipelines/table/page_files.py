"""The pages of a table that are kept in its folder: names, writing, deletion.

What they show is the affair of `classifiers.reporting`; but what is forgotten must be gone from
them. Readers of Delta pass over what begins with an underscore, and so do tidying and checks.
"""

import re
from dataclasses import dataclass

from pipelines.table.deletion import delete_inside
from pipelines.table.kept_files import keep_file
from pipelines.table.schema import PAGES_FOLDER
from pipelines.table.storage import open_folder, plain_files

_PAGE = re.compile(rf"{PAGES_FOLDER}/report-(\d{{1,20}})\.html")


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A page of a table.

    Attributes:
        version: of the table, that it shows.
        location: its file's path or URI.
    """

    version: int
    location: str


def keep_page(uri: str, version: int, content: bytes) -> KeptPage:
    """Write the page of a version of a table; one that is there already is replaced.

    Args:
        uri: the table, as `table_uri` gives it.
        version: of it.
        content: the file's.

    Raises:
        OSError: it cannot be written.
    """
    path = f"{PAGES_FOLDER}/report-{version}.html"
    keep_file(uri, path, content)
    return KeptPage(version, f"{uri}/{path}")


def newest_page(uri: str) -> KeptPage | None:
    """The page of the newest version that has one; None where there is none.

    Args:
        uri: the table, as `table_uri` gives it.

    Raises:
        OSError: the folder cannot be listed.
    """
    pages = [KeptPage(int(version), f"{uri}/{path}") for path, version in _pages(uri)]
    return max(pages, key=lambda page: page.version, default=None)


def delete_pages(uri: str) -> int:
    """Delete all of them; what else the folder holds stays.

    Returns:
        How many there were.

    Raises:
        OSError: one cannot be deleted.
    """
    pages = _pages(uri)
    for path, _ in pages:
        delete_inside(uri, path)
    return len(pages)


def _pages(uri: str) -> list[tuple[str, str]]:
    found = map(_PAGE.fullmatch, plain_files(open_folder(uri), PAGES_FOLDER))
    return [(each[0], each[1]) for each in found if each]
