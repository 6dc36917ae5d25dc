"""Trying a converted engine in a process of its own, since native code may end its process.

`python -m pipelines.engines.trial FOLDER DESCRIPTOR` is how `ConversionTrial` starts that process,
which runs a round for each byte that it reads from the descriptor.
"""

import contextlib
import functools
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pipelines.engines.engine import Engine
from pipelines.engines.kinds import CONVERTING
from pipelines.engines.parallel import Features, Pixels
from pipelines.errors import EngineError
from pipelines.system.lifeline import end_with_parent, lifeline
from pipelines.system.own_python import python_module, with_our_path
from pipelines.system.signals import clean_up_when_stopped

LIMIT_SECONDS = 300
"""For what a trial does at once: opening an engine and running the images, or a round."""

REQUEST_FILE, IMAGES_FILE, FEATURES_FILE = "request.json", "images.npy", "features.npy"
COMPLAINT_FILE = "stderr.txt"


def largest_error(features: Features, reference: Features) -> float:
    """Largest relative L2 error of any image; not finite where the features are not."""
    if features.shape != reference.shape:
        return float("inf")
    return float(relative_errors(features, reference).max())


def relative_errors(features: Features, reference: Features) -> Features:
    """Relative L2 error of each image: (n,), of features (n, length) from others."""
    scale = np.maximum(np.linalg.norm(reference, axis=1), np.finfo(np.float32).tiny)
    return np.asarray(np.linalg.norm(features - reference, axis=1) / scale)


class TimedEngine:
    """An engine that was warmed up on some images, and runs a batch of them at a time by the clock.

    Attributes:
        features: of all images; float32 (n, length).
    """

    def __init__(
        self, engine: Engine, images: Pixels, now: Callable[[], float] = time.perf_counter
    ) -> None:
        """Run all images once.

        Args:
            engine: the engine.
            images: uint8 (n, size, size, 3).
            now: seconds.
        """
        batch = engine.batch_size
        parts = [images[start : start + batch] for start in range(0, len(images), batch)]
        self.features = np.concatenate([engine.extract(part) for part in parts])
        self._engine, self._parts, self._now = engine, itertools.cycle(parts), now

    def round(self) -> float:
        """Run the next batch; its images a second."""
        part = next(self._parts)
        started = self._now()
        self._engine.extract(part)
        return len(part) / (self._now() - started)


class ConversionTrial:
    """A converted engine in a process of its own; leaving the block ends it.

    Attributes:
        features: of all images; float32 (n, length).
    """

    def __init__(
        self, process: "subprocess.Popen[bytes]", commands: int, desk: Path, limit: float
    ) -> None:
        """Wait until the engine has run all images; `trial_of` starts it.

        Args:
            process: the process.
            commands: descriptor, on which a byte asks for a round.
            desk: the folder that it and this one share.
            limit: seconds to wait for an answer.

        Raises:
            EngineError: the process failed.
        """
        self._process, self._commands, self._desk, self._limit = process, commands, desk, limit
        self._answer()
        self.features: Features = np.load(desk / FEATURES_FILE)

    def round(self) -> float:
        """Have the next batch run; its images a second.

        Raises:
            EngineError: the process failed.
        """
        with contextlib.suppress(BrokenPipeError):  # why it is gone is told below
            os.write(self._commands, b"\n")
        return float(self._answer())

    def _answer(self) -> bytes:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], self._limit)[0]:
            raise EngineError(f"it was not done after {self._limit:g} s")
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            said = (self._desk / COMPLAINT_FILE).read_text(errors="replace").strip().splitlines()
            raise EngineError(f"it failed with status {status}: {(said or ['']).pop()}")
        return line


@contextmanager
def trial_of(
    name: str,
    folder: Path,
    threads: int,
    batch_size: int,
    images: Pixels,
    limit: float = LIMIT_SECONDS,
) -> Iterator[ConversionTrial]:
    """Start a converted engine in a new process, which ends with the block.

    Args:
        name: the engine.
        folder: its conversion.
        threads: cores to use.
        batch_size: images a call.
        images: uint8 (n, size, size, 3).
        limit: seconds to wait for the engine's features, or for a round.

    Raises:
        EngineError: the process failed; the message ends with the last line that it wrote.
    """
    with contextlib.ExitStack() as stack:
        desk = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        remove = functools.partial(shutil.rmtree, desk, ignore_errors=True)
        stack.enter_context(clean_up_when_stopped(remove))
        np.save(desk / IMAGES_FILE, images)
        named = {"name": name, "folder": str(folder)}
        request = {**named, "threads": threads, "batch_size": batch_size}
        (desk / REQUEST_FILE).write_text(json.dumps(request), encoding="utf-8")
        complaints = stack.enter_context((desk / COMPLAINT_FILE).open("wb"))
        theirs, ours = os.pipe()
        stack.callback(os.close, ours)
        try:
            process = subprocess.Popen(
                [*python_module("pipelines.engines.trial"), str(desk), str(theirs)],
                stdin=stack.enter_context(lifeline()),
                stdout=subprocess.PIPE,
                stderr=complaints,
                pass_fds=(theirs,),
                env=with_our_path(),
            )
        finally:
            os.close(theirs)
        stack.enter_context(process)
        stack.callback(process.kill)
        yield ConversionTrial(process, ours, desk, limit)


def try_conversion(
    name: str, folder: Path, threads: int, batch_size: int, images: Pixels
) -> Features:
    """What a converted engine makes of some images, in a new process: float32 (n, length).

    Args:
        name: the engine.
        folder: its conversion.
        threads: cores to use.
        batch_size: images a call.
        images: uint8 (n, size, size, 3).

    Raises:
        EngineError: the process failed; the message ends with the last line that it wrote.
    """
    with trial_of(name, folder, threads, batch_size, images) as trial:
        return trial.features


def main(desk: Path, commands: int) -> None:
    """Do what the request in a folder says, then a round for each byte from a descriptor."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    request = json.loads((desk / REQUEST_FILE).read_text(encoding="utf-8"))
    kind = CONVERTING[request["name"]]
    engine = kind.open(Path(request["folder"]), request["threads"], request["batch_size"])
    timed = TimedEngine(engine, np.load(desk / IMAGES_FILE))
    np.save(desk / FEATURES_FILE, timed.features)
    print("ready", file=answers, flush=True)
    while os.read(commands, 1):
        print(timed.round(), file=answers, flush=True)


if __name__ == "__main__":
    end_with_parent()
    main(Path(sys.argv[1]), int(sys.argv[2]))
