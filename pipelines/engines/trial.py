"""Trying a converted engine in a process of its own, since native code may end its process.

`python -m pipelines.engines.trial FOLDER` is how `try_conversion` starts that process.
"""

import functools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.engines.engine import Engine
from pipelines.engines.kinds import CONVERTING
from pipelines.engines.parallel import Features, Pixels
from pipelines.errors import EngineError
from pipelines.system.lifeline import end_with_parent, lifeline
from pipelines.system.own_python import python_module, with_our_path
from pipelines.system.signals import clean_up_when_stopped

ROUNDS = 5
ROUNDS_SECONDS = 3.0
"""Rounds of a race stop after this time, however few there were."""

LIMIT_SECONDS = 300
REQUEST_FILE, IMAGES_FILE, FEATURES_FILE = "request.json", "images.npy", "features.npy"


@dataclass(frozen=True, slots=True)
class Result:
    """What an engine made of some images.

    Attributes:
        features: float32 (n, length).
        images_per_second: in the best of several rounds over all images; the other work of a noisy
            machine only ever slows a round down.
    """

    features: Features
    images_per_second: float


def largest_error(features: Features, reference: Features) -> float:
    """Largest relative L2 error of any image; not finite where the features are not."""
    if features.shape != reference.shape:
        return float("inf")
    scale = np.maximum(np.linalg.norm(reference, axis=1), np.finfo(np.float32).tiny)
    return float((np.linalg.norm(features - reference, axis=1) / scale).max())


def time_engine(engine: Engine, images: Pixels, rounds: int) -> Result:
    """Run images through an engine, once to warm up and then `rounds` times by the clock.

    Args:
        engine: the engine.
        images: uint8 (n, size, size, 3).
        rounds: at least 1.
    """
    batch = engine.batch_size
    parts = [images[start : start + batch] for start in range(0, len(images), batch)]
    features = np.concatenate([engine.extract(part) for part in parts])
    seconds: list[float] = []
    while len(seconds) < rounds and sum(seconds) < ROUNDS_SECONDS:
        started = time.perf_counter()
        for part in parts:
            engine.extract(part)
        seconds.append(time.perf_counter() - started)
    return Result(features, len(images) / min(seconds))


def try_conversion(
    name: str, folder: Path, threads: int, batch_size: int, images: Pixels, rounds: int
) -> Result:
    """Run images through a converted engine in a new process.

    Args:
        name: the engine.
        folder: its conversion.
        threads: cores to use.
        batch_size: images a call.
        images: uint8 (n, size, size, 3).
        rounds: see `time_engine`.

    Raises:
        EngineError: the process failed; the message ends with the last line that it wrote.
    """
    with tempfile.TemporaryDirectory() as text:
        desk = Path(text)
        remove = functools.partial(shutil.rmtree, desk, ignore_errors=True)
        with clean_up_when_stopped(remove):
            np.save(desk / IMAGES_FILE, images)
            request = {
                "name": name,
                "folder": str(folder),
                "threads": threads,
                "batch_size": batch_size,
                "rounds": rounds,
            }
            (desk / REQUEST_FILE).write_text(json.dumps(request), encoding="utf-8")
            rate = float(_run(desk).split()[-1])
            return Result(np.load(desk / FEATURES_FILE), rate)


def _run(desk: Path) -> str:
    command = [*python_module("pipelines.engines.trial"), str(desk)]
    try:
        with lifeline() as stdin:
            done = subprocess.run(
                command,
                stdin=stdin,
                capture_output=True,
                timeout=LIMIT_SECONDS,
                check=False,
                text=True,
                errors="replace",
                env=with_our_path(),
            )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"it was not done after {LIMIT_SECONDS} s") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise EngineError(f"it failed with status {done.returncode}: {(said or ['']).pop()}")
    return done.stdout


def main(desk: Path) -> None:
    """Do what the request in a folder says."""
    request = json.loads((desk / REQUEST_FILE).read_text(encoding="utf-8"))
    kind = CONVERTING[request["name"]]
    engine = kind.open(Path(request["folder"]), request["threads"], request["batch_size"])
    result = time_engine(engine, np.load(desk / IMAGES_FILE), request["rounds"])
    np.save(desk / FEATURES_FILE, result.features)
    print(result.images_per_second)


if __name__ == "__main__":
    end_with_parent()
    main(Path(sys.argv[1]))
