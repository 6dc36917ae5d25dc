"""Progress while the runner blocks: workers append to a file, the driver watches it grow.

Beam's embedded runner shows its metrics only when all is over, and its workers may be other
processes; a file in a temporary folder reaches the driver from both. On a cluster, whose workers
share no such folder, `pipelines.shards.finished_shards` watches the table's folder instead.
"""

import contextlib
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TextIO

from tqdm import tqdm

POLL_SECONDS = 0.5
LOG_SECONDS = 15.0
"""How often a line is logged where stderr is no terminal."""

STILL_SECONDS = 300.0
"""How long nothing may be finished before that is said, and how often then; a shard is a minute."""


@dataclass(frozen=True, slots=True)
class ProgressFile:
    """Where workers on this machine say what they have done."""

    path: str

    def add(self, done: int, failed: int) -> None:
        """Count images of one batch: one short append, whole even from several processes.

        A full or tidied temporary folder costs the display and not the work.
        """
        with contextlib.suppress(OSError), Path(self.path).open("ab", buffering=0) as file:
            file.write(b"%d %d\n" % (done, failed))

    def read_from(self, offset: int) -> tuple[int, int, int]:
        """Sum what was added since `offset`: (images done, images failed, new offset)."""
        with Path(self.path).open("rb") as file:
            file.seek(offset)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]
        pairs = [line.split() for line in text.splitlines()]
        done = sum(int(pair[0]) for pair in pairs)
        return done, sum(int(pair[1]) for pair in pairs), offset + len(text)


class Progress(Protocol):
    """Something that knows how far a run has come."""

    def poll(self) -> tuple[int, int]:
        """Images done and images failed since the last call."""
        ...


class BatchesDone:
    """What workers on this machine have done, batch by batch."""

    def __init__(self, file: ProgressFile) -> None:
        """Watch a file from its beginning."""
        self._file, self._offset = file, 0
        Path(file.path).touch()

    def poll(self) -> tuple[int, int]:
        """Images done and images failed since the last call."""
        try:
            done, failed, self._offset = self._file.read_from(self._offset)
        except OSError:  # gone, or not to be read just now
            return 0, 0
        return done, failed


class ProgressWatch:
    """Shows images done, images a second, time left and failures until it is closed.

    When nothing is done for `STILL_SECONDS` it says so, again and again: what keeps a run waiting,
    a store or a cluster for one, may say nothing itself.
    """

    def __init__(
        self,
        source: Progress,
        total: int,
        poll_seconds: float = POLL_SECONDS,
        stream: TextIO | None = None,
    ) -> None:
        """Watch a run.

        Args:
            source: knows how far it has come.
            total: images to extract.
            poll_seconds: how often the source is asked.
            stream: stderr when None; a terminal gets a bar, anything else log lines.
        """
        self._source, self._total, self._stream = source, total, stream or sys.stderr
        self._poll_seconds = poll_seconds
        self._done = self._failed = 0
        self._moved = self._told = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        draw = self._draw_bar if self._stream.isatty() else self._log_lines
        draw()

    def _poll(self) -> int:
        done, failed = self._source.poll()
        self._done += done
        self._failed += failed
        now = time.monotonic()
        if done + failed:
            self._moved = self._told = now
        elif now - self._told >= STILL_SECONDS:
            self._told = now
            tqdm.write(_still(now - self._moved), file=self._stream)
        return done + failed

    def _draw_bar(self) -> None:
        with tqdm(total=self._total, unit="image", file=self._stream, dynamic_ncols=True) as bar:
            stopped = False
            while not stopped:
                stopped = self._stop.wait(self._poll_seconds)
                bar.update(self._poll())
                bar.set_postfix(failures=self._failed)

    def _log_lines(self) -> None:
        started = logged = time.monotonic()
        while not self._stop.wait(self._poll_seconds):
            self._poll()
            if time.monotonic() - logged >= LOG_SECONDS:
                logged = time.monotonic()
                self._log_line(logged - started)
        self._poll()
        self._log_line(time.monotonic() - started)

    def _log_line(self, seconds: float) -> None:
        met = self._done + self._failed
        rate = met / seconds
        left = f"{(self._total - met) / rate:.0f} s left" if rate else "time left unknown"
        self._stream.write(
            f"{met} of {self._total} images, {rate:.1f} images/s, {left}, {self._failed} failures\n"
        )
        self._stream.flush()


def _still(seconds: float) -> str:
    return (
        f"nothing was finished in the last {round(seconds / 60)} minutes; a run that is ended "
        "keeps its finished shards, and the same command goes on from them"
    )
