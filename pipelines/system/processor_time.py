"""Processor time of this process, shared out among those who work in it."""

import threading
import time
from collections.abc import Callable


class ProcessorTime:
    """Hands each second of the process's processor time out once, however many work at once.

    What passes while nobody works is nobody's. Of those who work at the same time, the first to
    end gets what all used up to then.
    """

    def __init__(self, now: Callable[[], float] = time.process_time) -> None:
        """Begin with nobody at work."""
        self._now, self._lock = now, threading.Lock()
        self._working, self._since = 0, 0.0

    def begin(self) -> None:
        """Somebody begins to work."""
        with self._lock:
            if not self._working:
                self._since = self._now()
            self._working += 1

    def end(self) -> float:
        """Somebody ends; returns the seconds, over all threads, that nobody has been given yet."""
        with self._lock:
            now = self._now()
            used, self._since = now - self._since, now
            self._working -= 1
            return used


OF_SHARDS = ProcessorTime()
"""Of the shards that this process extracts."""
