"""What of a URL may be shown and recorded: never a user, a password, a query or its signature."""

import functools
import re
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")

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


def redact_error(error: BaseException) -> None:
    """Take what is secret out of what an error says, and those that it was raised from.

    Args:
        error: of anybody's making; it is changed in place, so that it stays what it is.
    """
    each: BaseException | None = error
    seen: set[int] = set()
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        each.args = tuple(redacted(arg) if isinstance(arg, str) else arg for arg in each.args)
        if isinstance(each, OSError):
            for name in ("strerror", "filename", "filename2"):
                if isinstance(said := getattr(each, name), str):
                    setattr(each, name, redacted(said))
        each = each.__cause__ or each.__context__


def without_secrets(function: Callable[_Given, _Made]) -> Callable[_Given, _Made]:
    """The same function; its errors, those of libraries among them, have their URLs redacted."""

    @functools.wraps(function)
    def call(*args: _Given.args, **keywords: _Given.kwargs) -> _Made:
        try:
            return function(*args, **keywords)
        except Exception as error:
            redact_error(error)
            raise

    return call
