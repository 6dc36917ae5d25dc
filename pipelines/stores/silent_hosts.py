"""Hosts of the web that do not answer, which are left alone for a while."""

import errno
import threading
import time

SILENCES, SECONDS = 8, 60.0
"""Attempts in a row that a host leaves without an answer, and how long it is not asked then."""


class SilentHosts:
    """Hosts that gave no answer again and again, so that a million URLs of one cost no year."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._silences: dict[str, tuple[int, float]] = {}

    def heard(self, host: str) -> None:
        """A host answered."""
        with self._lock:
            self._silences.pop(host, None)

    def silent(self, host: str) -> None:
        """A host did not answer."""
        with self._lock:
            count, _ = self._silences.get(host, (0, 0.0))
            self._silences[host] = count + 1, time.monotonic()

    def refuse(self, host: str) -> None:
        """Leave a host alone that was silent for long.

        Raises:
            OSError: it was.
        """
        count, last = self._silences.get(host, (0, 0.0))
        if count >= SILENCES and time.monotonic() - last < SECONDS:
            raise OSError(errno.ETIMEDOUT, f"{host} gave no answer {count} times in a row")
