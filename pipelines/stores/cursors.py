"""Values that lie one after the other, read on in order by many threads.

A row group is unpacked from its beginning. Threads that read images ask for its rows nearly in
order, so each value is unpacked once, and the last ones are held for those that come later.
"""

import threading
from collections.abc import Callable, Hashable, Iterator

HELD_BYTES = 16 << 20
"""Of the last values, held for who asks for them next."""

HELD_ROWS = 32
"""Values that are held however large they are: threads are no further apart than that."""

CURSORS = 4
"""Places that are read on from at the same time; the one that was not used for longest goes."""

Values = Iterator[bytes | None]


class DamagedError(OSError):
    """What follows in a file cannot be read, now or later."""


class _PassedByError(Exception):
    """A value is held no longer."""


class _Cursor:
    """Values read up to one row, of which the last are held."""

    def __init__(self, key: Hashable, values: Values, count: int | None) -> None:
        self.key, self.row, self._count = key, 0, count
        self._values, self._held, self._bytes = values, dict[int, bytes | None](), 0
        self._damage: DamagedError | None = None
        self._lock = threading.Lock()

    def reaches(self, row: int) -> bool:
        return row >= self.row or row in self._held

    def take(self, row: int) -> bytes | None:
        with self._lock:
            while self.row <= row:
                self._read_on()
            if row not in self._held:
                raise _PassedByError
            return self._held[row]

    def _read_on(self) -> None:
        if self._damage is None:
            try:
                value = next(self._values)
            except DamagedError as error:
                self._damage = error
        if self._damage is not None:
            raise DamagedError(*self._damage.args)
        self._held[self.row] = value
        self._bytes += len(value or b"")
        self.row += 1
        if self.row == self._count:
            self._values = iter(())  # with them goes the page that they were unpacked from
        while self._bytes > HELD_BYTES and len(self._held) > HELD_ROWS:
            self._bytes -= len(self._held.pop(next(iter(self._held))) or b"")


class Cursors:
    """The places that a process reads on from."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._open: list[_Cursor] = []

    def value(
        self, key: Hashable, row: int, values: Callable[[], Values], count: int | None = None
    ) -> bytes | None:
        """The value of a row.

        Args:
            key: of the values.
            row: counted from 0.
            values: begins to read them. It raises DamagedError where they end too soon, and what
                else it raises says nothing of another try.
            count: how many there are; None where that is not known.

        Raises:
            DamagedError: the values up to that row cannot be read.
        """
        while True:
            cursor = self._nearest(key, row, lambda: _Cursor(key, values(), count))
            try:
                return cursor.take(row)
            except _PassedByError:
                continue
            except DamagedError:
                raise
            except BaseException:  # its generator has ended
                self._close(cursor)
                raise

    def _nearest(self, key: Hashable, row: int, begin: Callable[[], _Cursor]) -> _Cursor:
        with self._lock:
            at = [each for each in self._open if each.key == key and each.reaches(row)]
            found = max(at, key=lambda each: each.row, default=None)
            if found is None:
                found = begin()
            else:
                self._open.remove(found)
            self._open.append(found)
            del self._open[:-CURSORS]
            return found

    def _close(self, cursor: _Cursor) -> None:
        with self._lock:
            if cursor in self._open:
                self._open.remove(cursor)
