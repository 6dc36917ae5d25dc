"""Whether programs, packages and weights may be fetched while a command runs.

A container image is complete, and sets `FROZEN_FEATURES_OFFLINE`: what it lacks is said at once,
where a package index or a server of weights would otherwise be asked. What a user names (images,
tables, models) is read from where it is all the same.
"""

import contextlib
import os
import urllib.request
from collections.abc import Iterator
from typing import NoReturn

VARIABLE = "FROZEN_FEATURES_OFFLINE"

NO = ("", "0", "false", "no", "off")


def is_offline() -> bool:
    """Whether the environment forbids to fetch; any value but "no" in its spellings does."""
    return os.environ.get(VARIABLE, "").strip().lower() not in NO


@contextlib.contextmanager
def nothing_fetched() -> Iterator[None]:
    """Within, Python's own `urlopen` and `urlretrieve` fail at once if the environment says so.

    Raises:
        PermissionError: something was about to be fetched; names its URL.
    """
    if not is_offline():
        yield
        return
    opener = urllib.request.OpenerDirector()
    opener.add_handler(_Refusal())
    urllib.request.install_opener(opener)
    try:
        yield
    finally:
        # As it is in a new process: the next call makes Python's own.
        urllib.request.install_opener(None)


class _Refusal(urllib.request.BaseHandler):
    def default_open(self, request: urllib.request.Request) -> NoReturn:
        raise PermissionError(f"{VARIABLE} forbids to fetch {request.full_url}")
