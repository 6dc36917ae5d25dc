"""Whether an error tells of what was looked at or of the way there: a store away, no right to read.

What cannot be reached may be as it should be; it must never be taken for damaged.
"""

import errno
import re

from pipelines.stores.complaints import refuses_or_is_away
from pipelines.stores.objects import StoreError, StoreGoneError

_NO_WAY_THERE = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE),
        *(errno.ETIMEDOUT, errno.ECONNREFUSED, errno.ECONNRESET, errno.ENOTCONN),
        *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH),
    }
)

_ARROW_ON_S3 = re.compile(r"AWS Error (\w+)(?: \(HTTP status (\d+)\))?")
_ARROW_ON_GS = re.compile(r"google::cloud::Status\((\w+)")
_ABOUT_THE_OBJECT = frozenset(
    {"NO_SUCH_KEY", "RESOURCE_NOT_FOUND", "NOT_FOUND", "OUT_OF_RANGE", "404", "416"}
)
"""What Arrow's clients say of an object that is not there or is shorter than it was."""


def is_outage(error: BaseException) -> bool:
    """Whether an error, or one that it was raised from, says that nothing could be looked at."""
    each: BaseException | None = error
    while each is not None:
        if _is_gone(each):
            return False
        if isinstance(each, StoreGoneError | StoreError) or _errno(each) in _NO_WAY_THERE:
            # An object that a store has not is no outage: the client's own error says so.
            return not (each.__cause__ is not None and _is_gone(each.__cause__))
        if refuses_or_is_away(str(each)) or _arrow_says_so(str(each)):
            return True
        each = each.__cause__
    return False


def _is_gone(error: BaseException) -> bool:
    return isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError)


def is_gone(error: OSError) -> bool:
    """Whether an error of reading a file says that there is none of that name, or no longer."""
    return _is_gone(error) or _errno(error) in {errno.ELOOP, errno.EINVAL, errno.ENAMETOOLONG}


def _errno(error: BaseException) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def _arrow_says_so(text: str) -> bool:
    found = _ARROW_ON_S3.search(text) or _ARROW_ON_GS.search(text)
    return found is not None and not set(found.groups()) & _ABOUT_THE_OBJECT
