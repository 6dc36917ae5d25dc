"""How long a base ran, and what it waited for when it did not."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

BUSY = 0.85
"""Share of the time from which a base that runs is what bounds the run."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Where a worker's time went, in seconds; the three are all of it.

    Attributes:
        base: the base ran.
        images: it stood still because no batch was read and decoded.
        writing: it stood still because features waited to be encoded and written.
    """

    base: float = 0.0
    images: float = 0.0
    writing: float = 0.0

    def __add__(self, other: "Waits") -> "Waits":
        """Sums over shards or workers."""
        return Waits(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def shared_by(self, count: int) -> "Waits":
        """The equal share of one of so many."""
        return Waits(*(getattr(self, f.name) / count for f in fields(self)))

    @property
    def seconds(self) -> float:
        """All of the time."""
        return self.base + self.images + self.writing


class BaseClock:
    """Counts the seconds of one shard into `Waits`; batches may run on several threads at once.

    Where several bases share the shard, each second is one base's: time in bases is shared by those
    that ran, other time by all.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter, bases: int = 1) -> None:
        """Start counting, with the worker waiting for its first images."""
        self._now, self._lock = now, threading.Lock()
        self._running, self._writing = [0] * bases, False
        self._seconds = [{"base": 0.0, "images": 0.0, "writing": 0.0} for _ in range(bases)]
        self._since = now()

    @contextmanager
    def base(self, which: int = 0) -> Iterator[None]:
        """Around one batch in the engine of a base."""
        self._change(which, running=1)
        try:
            yield
        finally:
            self._change(which, running=-1)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around handing features on; the rest of the time the worker loads images."""
        self._change(writing=True)
        try:
            yield
        finally:
            self._change(writing=False)

    def read(self, which: int = 0) -> Waits:
        """What was counted of a base so far."""
        self._change()
        with self._lock:
            return Waits(**self._seconds[which])

    def _change(self, which: int = 0, running: int = 0, writing: bool | None = None) -> None:
        with self._lock:
            now = self._now()
            busy = [base for base, batches in enumerate(self._running) if batches]
            doing = "base" if busy else "writing" if self._writing else "images"
            theirs = busy or range(len(self._running))
            for base in theirs:
                self._seconds[base][doing] += (now - self._since) / len(theirs)
            self._since = now
            self._running[which] += running
            self._writing = self._writing if writing is None else writing


def name_bottleneck(waits: Waits, threads: int, cores: int) -> str | None:
    """One sentence: what bounds a run, and which option to change.

    Args:
        waits: summed over all workers.
        threads: cores that a worker uses.
        cores: that the machine has.

    Returns:
        None when nothing was counted: nothing was extracted, or the runner keeps no counters.
    """
    if not waits.seconds:
        return None
    shares = {name: getattr(waits, name) / waits.seconds for name in ("base", "images", "writing")}
    said = (
        f"the base ran {shares['base']:.0%} of the time, "
        f"waited {shares['images']:.0%} for images and {shares['writing']:.0%} for writing"
    )
    if shares["base"] >= BUSY:
        return (
            f"{said}: the base bounds this run, as it should; only a faster processor, more "
            "workers (--runner) or a smaller --image_size would make it faster"
        )
    if shares["images"] >= shares["writing"]:
        spare = f"more cores a worker (--threads, now {threads} of {cores})"
        advice = spare if threads < cores else "more workers (--runner), or a nearer disk,"
        return f"{said}: reading and decoding hold it back; {advice} would make it faster"
    return (
        f"{said}: encoding and writing hold it back; fewer features (--pooling) or a shorter "
        "--precision would make it faster"
    )
