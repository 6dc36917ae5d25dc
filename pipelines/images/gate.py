"""How much memory the images that are being decoded take together."""

import contextlib
import threading
from collections.abc import Iterator

from pipelines.system.cores import usable_cores

BYTES_A_CORE = 256 << 20
"""Share of a core: a photograph of 24 million pixels is decoded on every core at once."""


class Gate:
    """Lets threads in while what they take together stays within bounds, first come, first served.

    What alone takes more than that goes in alone.
    """

    def __init__(self, most: int) -> None:
        """Begin with nobody inside; `most` is in bytes."""
        self._most, self._taken = most, 0
        self._line, self._left = threading.Lock(), threading.Condition()

    @contextlib.contextmanager
    def taking(self, amount: int) -> Iterator[None]:
        """Be inside with an amount of bytes."""
        with self._line, self._left:  # who is first in line is not overtaken by smaller ones
            self._left.wait_for(lambda: not self._taken or self._taken + amount <= self._most)
            self._taken += amount
        try:
            yield
        finally:
            with self._left:
                self._taken -= amount
                self._left.notify_all()


DECODING = Gate(usable_cores() * BYTES_A_CORE)
"""All decoding of this process goes through it."""
