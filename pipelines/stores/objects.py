"""Reading, listing and asking after objects."""

import contextlib
import errno
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pipelines.errors import FrozenFeaturesError
from pipelines.stores.clients import open_bucket
from pipelines.stores.complaints import blames_the_store, complaint, is_away
from pipelines.stores.places import Place, parse_place

PAGE = 1000
"""Objects that a store lists in one answer, at most."""

ASKING_THREADS = 16

BLOCK = 1 << 20
"""Bytes that are held of an object that is hashed, at least."""

GIVE_UP = 10
"""Reads in a row that the store refuses before the work ends."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class StoreError(OSError):
    """A store did not give what was asked for; one line that says what and why."""


class StoreAwayError(StoreError):
    """The store gives no answer now; the same may work later."""


class StoreGoneError(FrozenFeaturesError):
    """No image can be read any more: the work ends, where single images would fail for hours."""


class UnusableNameError(StoreError):
    """An object's name holds what the client cannot say: "//", ".." or control characters."""


class TooLargeError(OSError):
    """A file or object has more bytes than may be read."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__(errno.EFBIG, f"its {size:,} bytes are more than the {most:,} allowed")


class _Refusals:
    """Counts reads in a row that failed for the store's sake and not for the object's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def add(self, said: str, all_alike: bool) -> None:
        with self._lock:
            self._count = self._count + 1 if all_alike else 0
            if self._count >= GIVE_UP:
                raise StoreGoneError(f"{GIVE_UP} times in a row: {said}")

    def reset(self) -> None:
        self._count = 0


_refusals = _Refusals()


class ObjectStat(NamedTuple):
    """What a store tells of an object without giving its bytes.

    Attributes:
        key: in its bucket.
        bytes: size.
        modified: time of its last change, microseconds since the epoch (UTC); stores give it to
            the second.
    """

    key: str
    bytes: int
    modified: int


def read_object(uri: str, most: int) -> bytes:
    """Read a whole object; what may pass has been tried again for `RETRY_SECONDS`.

    Args:
        uri: where it is.
        most: bytes; of an object that has more, none is taken.

    Raises:
        TooLargeError: it has more.
        OSError: it is not there (`errno.ENOENT`), or the store does not give it.
        StoreGoneError: the store has given nothing for a while.
    """
    with _asked_for(uri, most) as found:
        content: bytes = found.bytes().to_bytes()
    return content


def object_blocks(uri: str, most: int) -> Iterator[bytes]:
    """Read an object block by block, otherwise as `read_object` does."""
    with _asked_for(uri, most) as found:
        yield from map(bytes, found.stream(min_chunk_size=BLOCK))


def object_slice(uri: str, start: int, count: int) -> bytes:
    """Read some bytes of an object, fewer where it ends before, otherwise as `read_object` does.

    Args:
        uri: where it is.
        start: where they begin.
        count: how many.
    """
    place = parse_place(uri)
    import obstore

    with _reading(place):
        return bytes(obstore.get_range(open_bucket(place), place.key, start=start, length=count))


@contextlib.contextmanager
def _asked_for(uri: str, most: int) -> Iterator[Any]:
    place = parse_place(uri)
    import obstore

    with _reading(place):
        found = obstore.get(open_bucket(place), place.key)
        if found.meta["size"] > most:
            raise TooLargeError(found.meta["size"], most)
        yield found


@contextlib.contextmanager
def _reading(place: Place) -> Iterator[None]:
    try:
        with complaints(place, "read"):
            yield
    except StoreError as error:
        gone = isinstance(error.__cause__, FileNotFoundError)
        said = complaint(error.__cause__ or error, place)
        _refusals.add(str(error), all_alike=not gone and blames_the_store(said))
        raise OSError(errno.ENOENT if gone else errno.EIO, str(error), place.uri) from error
    _refusals.reset()


def list_objects(folder: Place) -> Iterator[list[ObjectStat]]:
    """List the objects below a place, all levels, a page at a time, ascending by key.

    Raises:
        StoreError: the store does not list it, or a name cannot be used.
    """
    import obstore

    with complaints(folder, "list"):
        pages = obstore.list(open_bucket(folder), folder.key or None, chunk_size=PAGE)
    while True:
        with complaints(folder, "list"):
            page = next(pages, None)
        if page is None:
            return
        yield [_stat(meta) for meta in page]


def first_objects(folder: Place) -> list[ObjectStat]:
    """The first page of a listing; empty where nothing lies below the place.

    Raises:
        StoreError: the store does not list it.
    """
    return next(list_objects(folder), [])


def stat_of(place: Place) -> ObjectStat | None:
    """Stat data of one object; None where it is not there.

    Raises:
        StoreError: the store does not say.
    """
    import obstore

    try:
        with complaints(place, "look at"):
            return _stat(obstore.head(open_bucket(place), place.key))
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def stat_of_many(folder: Place, keys: set[str]) -> dict[str, ObjectStat]:
    """Stat data of objects below a place, by key; those that are not there are left out.

    A page of a listing tells of a thousand objects, but perhaps of none that is wanted. So the
    folder is listed for as many pages as objects remain to be found, and then those are asked for
    one by one: never more than twice the requests of the better way.

    Raises:
        StoreError: the store does not say.
    """
    found: dict[str, ObjectStat] = {}
    with contextlib.suppress(UnusableNameError):
        for number, page in enumerate(list_objects(folder), start=1):
            found.update((each.key, each) for each in page if each.key in keys)
            if number >= len(keys) - len(found):
                break
        else:
            return found
    places = [folder.at(key) for key in sorted(keys - found.keys())]
    with ThreadPoolExecutor(ASKING_THREADS) as threads:
        asked = list(threads.map(stat_of, places))
    found.update((each.key, each) for each in asked if each is not None)
    return found


def check_can_write(folder: Place, name: str) -> None:
    """Write an object below a place and remove it again.

    Args:
        folder: the place.
        name: what the object's name begins with; it stays if the process ends in between.

    Raises:
        StoreError: the store does not take it.
    """
    import obstore

    # A name of its own: another process may do the same, and this one may end in between.
    probe = folder.at(f"{folder.key}/{name}-{uuid.uuid4().hex}".lstrip("/"))
    with complaints(folder, "write to"):
        store = open_bucket(folder)
        obstore.put(store, probe.key, b"")
        with contextlib.suppress(FileNotFoundError):
            obstore.delete(store, probe.key)


@contextlib.contextmanager
def complaints(place: Place, doing: str) -> Iterator[None]:
    """Around a request: what a client raises becomes a `StoreError` of one line.

    Args:
        place: what is asked for.
        doing: what is done with it, as a verb.

    Raises:
        StoreError: the request failed.
    """
    from obstore.exceptions import InvalidPathError

    try:
        yield
    except (FrozenFeaturesError, TooLargeError):
        raise
    except Exception as error:  # obstore's errors and Python's own have no nearer common root
        said = complaint(error, place)
        kind = StoreAwayError if is_away(said) else StoreError
        if isinstance(error, InvalidPathError):
            kind = UnusableNameError
        raise kind(f"cannot {doing} {place.uri}: {said}") from error


def _stat(meta: Any) -> ObjectStat:  # noqa: ANN401 - mypy does not follow obstore
    modified = (meta["last_modified"] - _EPOCH) // _MICROSECOND
    return ObjectStat(meta["path"], meta["size"], modified)
