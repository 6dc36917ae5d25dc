"""Extractions as a user submits them to a cluster, to be watched, hurt and compared."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.cluster.flink import SHORT_LIVED
from tests.cluster.processes import start
from tests.conftest import ROOT
from tests.faults.commands import content

CHEAP = ("--weights", "random:1", "--image_size", "56", "--engine", "ncnn", "--batch_size", "16")
"""A base that runs 400 images in seconds, and whose workers need no TensorFlow."""


@dataclass(frozen=True)
class Ended:
    """How a submission ended: exit status, what it printed, its JSON result if it got so far."""

    status: int
    out: str
    err: str
    result: dict[str, Any]


class Submission:
    """A submitted extraction and all processes that it starts: in a pod they live together."""

    def __init__(self, images: Path, table: Path, flags: Sequence[str]) -> None:
        """Start it."""
        self.table, self._json = table, table.with_suffix(f".{time.time_ns()}.json")
        command = [sys.executable, "-m", "pipelines.extract", "--input", str(images)]
        command += ["--table", str(table), "--json", str(self._json), *flags]
        self._process = start(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "JDK_JAVA_OPTIONS": " ".join(SHORT_LIVED)},  # of the job server
        )

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def finished_files(self) -> int:
        """Data files in the table's folder that end as a Parquet file does."""
        return sum(_is_whole(path) for path in (self.table / "data").glob("*.parquet"))

    def wait_for_files(self, count: int, seconds: float = 300) -> None:
        until = time.monotonic() + seconds
        while self.finished_files() < count:
            assert self.runs, f"it ended before {count} files: {self._process.communicate()}"
            assert time.monotonic() < until, f"no {count} files after {seconds} s"
            time.sleep(0.02)

    def kill(self) -> None:
        """End the submitter and its job server at once, as a node that goes down would."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def kill_job_server(self) -> None:
        servers = [pid for pid in _children(self._process.pid) if "java" in _command(pid)]
        assert len(servers) == 1, "the submitter has one job server"
        os.kill(servers[0], signal.SIGKILL)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ask the submitter to end, as Kubernetes does."""
        os.kill(self._process.pid, number)

    def most_files(self) -> int:
        """Watch it to its end; the most finished files at once, since waste is deleted."""
        most = 0
        while self.runs:
            most = max(most, self.finished_files())
            time.sleep(0.02)
        return most

    def end(self, seconds: float = 600) -> Ended:
        """Wait for its end."""
        try:
            out, err = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        result = json.loads(self._json.read_text()) if self._json.exists() else {}
        return Ended(self._process.returncode, out, err, result)


def submit(images: Path, table: Path, flags: Sequence[str], seconds: float = 600) -> Ended:
    """Run an extraction to its end, which must be a good one."""
    ended = Submission(images, table, flags).end(seconds)
    assert ended.status == 0, ended.err
    return ended


def _is_whole(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(-4, os.SEEK_END)
            return file.read() == b"PAR1"
    except OSError:  # too short yet, or gone
        return False


def _children(pid: int) -> list[int]:
    listings = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(text) for listing in listings for text in listing.read_text().split()]


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def embedded(images: Path, table: Path, cache: Path) -> pa.Table:
    """The rows that the embedded runner makes of the same images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FROZEN_FEATURES_CACHE", str(cache))
        submit(images, table, CHEAP)
    return content(table)
