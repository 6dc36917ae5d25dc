"""A rehearsal: some images go through all of a run but its listing, in a process of its own.

`rehearse` starts that process as `python -m pipelines.planning.sizing.rehearsal FOLDER`. Its table
is temporary; what counts is how long it took, where the time went, and how much memory and disk.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path

from pipelines.bases import WeightsRequest
from pipelines.contract import Augmentation, augmentation_from_json, contract_from_json
from pipelines.engines.bottleneck import Waits
from pipelines.engines.opening import open_engine
from pipelines.engines.request import EngineRequest
from pipelines.errors import FrozenFeaturesError
from pipelines.images.decode import PixelSpec
from pipelines.own_process import begin_own_process
from pipelines.planning.cutting import cut_shards
from pipelines.planning.uncommitted import find_uncommitted
from pipelines.records import ImageRef
from pipelines.shards.runner import run_shards
from pipelines.shards.shard import ShardJob, Target
from pipelines.system.cache import cache_folder
from pipelines.system.keras_backend import limit_threads
from pipelines.system.lifeline import end_with_parent, lifeline
from pipelines.system.memory import own_peak
from pipelines.system.own_python import python_module, with_our_path
from pipelines.table.change import Change, TableState
from pipelines.table.gate import commit_change
from pipelines.table.inspection import EMPTY_KEYS
from pipelines.table.names import new_run_id
from pipelines.table.storage import open_storage

REQUEST_FILE, TABLE_FOLDER = "request.json", "table"


class RehearsalError(FrozenFeaturesError):
    """The images that were to be measured on could not be extracted."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a rehearsal took.

    Attributes:
        rows: images that gave features.
        failures: images that did not.
        seconds: from the process's start to its end.
        extract_seconds: of that, from the first shard's start to the last one's end.
        waits: where that time went.
        feature_length: features an image.
        stored_bytes: of the files written.
        peak_bytes: most memory of the process.
    """

    rows: int
    failures: int
    seconds: float
    extract_seconds: float
    waits: Waits
    feature_length: int
    stored_bytes: int
    peak_bytes: int


def rehearse(
    refs: Sequence[ImageRef],
    request: EngineRequest,
    shard_rows: int,
    pixels: PixelSpec,
    cache: Path | None = None,
) -> Rehearsed:
    """Extract images into a temporary table in a new process.

    Args:
        refs: the images and copies, by name; one file may stand for several.
        request: the engine, chosen.
        shard_rows: most images of a shard.
        pixels: how images and copies are decoded.
        cache: where the process looks for what this project keeps; where this one does when None.

    Raises:
        RehearsalError: the process failed, or no image can be used.
    """
    with tempfile.TemporaryDirectory(prefix="frozen-features-") as text:
        desk = Path(text)
        asked = {
            "refs": [asdict(ref) for ref in refs],
            "engine": request.name,
            "contract": request.contract.canonical_json(),
            "weights": asdict(request.weights),
            "batch_size": request.batch_size,
            "base_file": request.base_file,
            "threads": request.threads,
            "shard_rows": shard_rows,
            "augmentation": (pixels.augmentation or Augmentation()).canonical_json(),
            "max_image_bytes": pixels.max_bytes,
        }
        (desk / REQUEST_FILE).write_text(json.dumps(asked), encoding="utf-8")
        started = time.perf_counter()
        said = json.loads(_run(desk, cache or cache_folder()))
        seconds = time.perf_counter() - started
    if not said["rows"]:
        raise RehearsalError(
            f"none of the {len(refs)} images looked at can be used; "
            "pipelines.extract says why, for each"
        )
    return Rehearsed(**{**said, "waits": Waits(**said["waits"])}, seconds=seconds)


def _run(desk: Path, cache: Path) -> str:
    with lifeline() as stdin:
        done = subprocess.run(
            [*python_module("pipelines.planning.sizing.rehearsal"), str(desk)],
            stdin=stdin,
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            env={**with_our_path(), "FROZEN_FEATURES_CACHE": str(cache)},
        )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        last = (said or [f"status {done.returncode}"]).pop()
        raise RehearsalError(f"a trial extraction failed: {last}")
    return done.stdout.splitlines()[-1]


def main(desk: Path) -> None:
    """Do what the request in a folder says, as a run and its settlement would."""
    asked = json.loads((desk / REQUEST_FILE).read_text(encoding="utf-8"))
    contract = contract_from_json(asked["contract"])
    weights = WeightsRequest(**asked["weights"])
    threads = asked["threads"]
    if threads is not None:
        limit_threads(threads)
    request = EngineRequest(
        *(contract, weights, asked["batch_size"], threads, asked["engine"]),
        base_file=asked["base_file"],
    )
    shards = cut_shards([ImageRef(**each) for each in asked["refs"]], asked["shard_rows"])
    shape = open_engine(request).feature_shape

    run, uri = new_run_id(), str(desk / TABLE_FOLDER)
    started = time.perf_counter()
    policy = augmentation_from_json(asked["augmentation"])
    target = Target(run, uri, request, shape, policy)
    job = ShardJob({0: target}, threads, None, asked["max_image_bytes"])
    counted = run_shards(shards, job, ())[0]
    extract_seconds = time.perf_counter() - started

    files = find_uncommitted(open_storage(uri), [], contract)
    full = [file for file in files if file.receipt.rows]
    if full:
        state = TableState(uri, None, contract, shape, EMPTY_KEYS, policy)
        commit_change(state, Change(full, [], {"run": run}))
    result = {
        "rows": sum(file.receipt.rows for file in files),
        "failures": sum(len(file.receipt.failures) for file in files),
        "extract_seconds": extract_seconds,
        "waits": asdict(counted.waits),
        "feature_length": prod(shape),
        "stored_bytes": sum(file.size for file in full),
        "peak_bytes": own_peak(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    begin_own_process()
    end_with_parent()
    main(Path(sys.argv[1]))
