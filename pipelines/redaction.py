"""What of a URL may be shown and recorded: never a user, a password, a query or its signature."""

import re

_AFTER_SCHEME = re.compile(r"://(\S+)")
_QUERY = re.compile(r"""[?#][^'"<>=]*=[^'"<>]*""")


def redacted(text: str) -> str:
    """A text whose URLs, wherever they stand in it, may be shown to anyone.

    A query is told by its `=`, since names of objects may hold a question mark.
    """
    return _AFTER_SCHEME.sub(_without_secrets, text) if "://" in text else text


def _without_secrets(match: re.Match[str]) -> str:
    rest = match[1]
    user, _, place = rest.rpartition("@")
    # A store's secret key may hold a slash; an object's name an @, but hardly a colon before it.
    if ":" in user or "@" in re.split("[/?#]", rest.lstrip("/"), maxsplit=1)[0]:
        rest = place
    return "://" + _QUERY.sub("", rest)
