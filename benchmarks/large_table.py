"""Training on a table four times larger than the memory allowed for it.

`python -m benchmarks.large_table --folder BIG` writes a table of synthetic features through the
project's own writer and commit gate, then trains each head with `--memory` a quarter of the
features' size, each in a process of its own, and reports the peak of that process's memory. With
`--search` it searches over so many values of C, five folds and both linear heads in the same way.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.cli import local_path, write_json
from pipelines.contract import Contract
from pipelines.records import FeatureBlock, ImageRef, SourceImage
from pipelines.reports import format_table
from pipelines.table.change import Change, TableState
from pipelines.table.files import FeatureFileWriter
from pipelines.table.gate import commit_change
from pipelines.table.inspection import EMPTY_KEYS, inspect_file
from pipelines.table.receipts import Receipt
from pipelines.table.storage import open_storage, table_uri

SHAPE = (4, 4, 512)
LENGTH = 4 * 4 * 512
ZEROS = 0.84
"""Share of zeros, as in VGG16's features of photographs."""

ROWS_PER_FILE = 1024
BANK_ROWS = 2048
SHIFTED = 400
"""Features whose mean tells the classes apart."""

CONTRACT = Contract(
    base="VGG16",
    weights="0" * 64,
    image_size=150,
    interpolation="bilinear",
    orientation="ignored",
    preprocessing="imagenet",
    layer="block5_pool",
    pooling="none",
    compute_dtype="float32",
    precision="float32",
)

MEASURED = """
import sys
from importlib import import_module
from pathlib import Path
status = import_module(sys.argv[1]).main(sys.argv[2:])
peak = next(l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM"))
print("peak", int(peak.split()[1]) * 1024)
sys.exit(status)
"""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=local_path, required=True, help="where table and models go"
    )
    parser.add_argument("--rows", type=int, default=200_000, help="rows to train on")
    parser.add_argument("--validation", type=int, default=4_000)
    parser.add_argument("--heads", nargs="*", default=["dense", "logistic", "linear_svm"])
    parser.add_argument("--epochs", type=int, default=2, help="of the dense head")
    parser.add_argument("--share", type=float, default=0.25, help="of the features, in memory")
    parser.add_argument(
        "--search", type=int, default=0, help="values of C to search over too: 2 or more"
    )
    parser.add_argument("--json", type=local_path)
    options = parser.parse_args()

    table = options.folder / "features"
    if not table.exists():
        started = time.monotonic()
        write_table(str(table), {"train": options.rows, "validation": options.validation})
        print(f"table written in {time.monotonic() - started:.0f} s", file=sys.stderr)
    allowed = int(options.share * options.rows * LENGTH * 4)
    results = [train(table, head, allowed, options.epochs) for head in options.heads]
    print(f"{options.rows:,} rows of {LENGTH}, --memory {allowed / 1e9:.2f} GB")
    if results:
        rows = [tuple(result.values()) for result in results]
        print(format_table(rows, tuple(results[0])))
    searched = search(table, options.search, allowed) if options.search else {}
    if searched:
        print(format_table([tuple(searched.values())], tuple(searched)))
    kept = {"rows": options.rows, "memory": allowed, "heads": results, "search": searched}
    write_json(options.json, kept)


def write_table(location: str, splits: dict[str, int]) -> None:
    """Write a table of learnable features, each file of one split and one class."""
    uri = table_uri(location)
    storage = open_storage(uri)
    random = np.random.default_rng(0)
    bank = random.exponential(20.0, (BANK_ROWS, LENGTH)).astype(np.float32)
    bank *= random.random((BANK_ROWS, LENGTH), np.float32) > ZEROS
    files = []
    for split, rows in splits.items():
        for number, (label, start, count) in enumerate(_files(rows)):
            path = f"data/{split}-{number:05d}.parquet"
            with FeatureFileWriter(storage, path, CONTRACT) as writer:
                for first in range(start, start + count, 256):
                    names = range(first, min(first + 256, start + count))
                    sources = [_source(split, label, name) for name in names]
                    writer.write(FeatureBlock(sources, _features(bank, label, len(names), random)))
                receipt = Receipt(
                    *("benchmark", str(number), split, 0, CONTRACT.canonical_json()),
                    *(SHAPE, "none", "", ()),
                )
                writer.close(receipt)
            files.append(inspect_file(storage, path))
    state = TableState(uri, None, CONTRACT, SHAPE, EMPTY_KEYS)
    commit_change(state, Change(files, [], {"run": "benchmark"}))


def _files(rows: int) -> Iterator[tuple[str, int, int]]:
    """Label, first number and rows of each file: all of one class, then all of the other."""
    for label, begin, end in (("cat", 0, rows // 2), ("dog", rows // 2, rows)):
        for start in range(begin, end, ROWS_PER_FILE):
            yield label, start, min(ROWS_PER_FILE, end - start)


def _source(split: str, label: str, number: int) -> SourceImage:
    name = f"{split}/{label}/{number:07d}.jpg"
    return SourceImage(ImageRef(name, name, label, split, 1, 1, 1), f"{number:064x}", 1, 150, 150)


def _features(
    bank: npt.NDArray[np.float32], label: str, rows: int, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    # Rows of a bank, rotated and scaled: nothing that zstd could find again, and quick to make.
    taken = bank[random.integers(0, len(bank), rows)] * random.uniform(0.5, 1.5, (rows, 1))
    features = np.roll(taken, int(random.integers(LENGTH)), axis=1).astype(np.float32)
    features[:, :SHIFTED] *= np.float32(1.3 if label == "dog" else 0.7)
    return features


def train(table: Path, head: str, allowed: int, epochs: int) -> dict[str, Any]:
    """Train a head within so many bytes; its measures, time and peak memory."""
    model = table.parent / f"model-{head}"
    shutil.rmtree(model, ignore_errors=True)
    arguments = ["--table", str(table), "--model", str(model)]
    arguments += ["--head", head, "--memory", str(allowed)]
    arguments += ["--epochs", str(epochs)] if head == "dense" else []
    seconds, peak, said = measured("classifiers.train", arguments)
    card = json.loads((model / "card.json").read_text())
    assert card["streamed_within"] == allowed, said
    passes = epochs
    if head != "dense":
        passes = int(re.findall(r"(\d+) passes", said)[0])
    return {
        "head": head,
        "accuracy": card["metrics"]["validation"]["accuracy"],
        "passes": passes,
        "seconds": seconds,
        "seconds a pass": seconds / passes,
        "peak GB": peak / 1e9,
        "peak / memory": peak / allowed,
    }


def search(table: Path, count: int, allowed: int) -> dict[str, Any]:
    """Search over values of C within so many bytes; the best score, time and peak memory."""
    found = table.parent / "search.json"
    arguments = ["--table", str(table), "--heads", "logistic,linear_svm", "--folds", "5"]
    arguments += ["--C", f"1e-6:1:{count}", "--memory", str(allowed), "--json", str(found)]
    seconds, peak, _ = measured("classifiers.search", arguments)
    best = json.loads(found.read_text())["best"]
    return {
        "fits": 2 * 5 * count,
        "best": f"{best['setting']['head']}, C {best['setting']['values']['C']:g}",
        "accuracy": best["mean"],
        "seconds": seconds,
        "peak GB": peak / 1e9,
        "peak / memory": peak / allowed,
    }


def measured(module: str, arguments: list[str]) -> tuple[float, int, str]:
    """Run a command in a process of its own; its seconds, its peak of memory and what it said."""
    command = [sys.executable, "-c", MEASURED, module, *arguments]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    if done.returncode:
        sys.exit(done.stderr)
    print(done.stderr, file=sys.stderr)
    return seconds, int(re.findall(r"^peak (\d+)", done.stdout, re.M)[0]), done.stderr


if __name__ == "__main__":
    main()
