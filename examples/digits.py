"""The main job from end to end on a few hundred real handwritten digits: `make demo`.

Writes scikit-learn's bundled digits as PNG files, then runs the project's own commands, each
printed as a user would type it: extract, train every head, evaluate, predict.
"""

import argparse
import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from pipelines.reports import format_table

SPLIT_SIZES = {"train": 24, "validation": 8, "test": 8}
"""Images of each digit in each split."""

HEADS = ("dense", "logistic", "linear_svm", "rbf_svm")


def write_digits(folder: Path) -> int:
    """Write `split/label/image` folders of 8 x 8 greyscale PNG files; returns how many files."""
    digits = load_digits()
    grey = np.round(digits.images * (255 / 16)).astype(np.uint8)
    written = 0
    for digit in range(10):
        places = np.flatnonzero(digits.target == digit)
        start = 0
        for split, size in SPLIT_SIZES.items():
            target = folder / split / str(digit)
            target.mkdir(parents=True, exist_ok=True)
            for place in places[start : start + size]:
                Image.fromarray(grey[place]).save(target / f"{place:04d}.png")
            start += size
            written += size
    return written


def run(*arguments: str) -> None:
    """Run one of the project's commands, shown as a user would type it; stop if it fails."""
    print(f"\n$ python -m {shlex.join(arguments)}", flush=True)
    done = subprocess.run([sys.executable, "-m", *arguments], check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/demo"))
    folder: Path = parser.parse_args().folder
    started = time.monotonic()
    images, table = folder / "digits", folder / "features"
    print(f"{write_digits(images)} handwritten digits in {images}")

    run("pipelines.extract", "--input", str(images), "--table", str(table))
    for head in HEADS:
        model = str(folder / "models" / head)
        options = ["--table", str(table), "--model", model]
        run("classifiers.train", "--head", head, "--overwrite", *options)
        run("classifiers.evaluate", *options, "--json", str(folder / f"{head}.json"))
    best = ["--model", str(folder / "models" / "logistic")]
    predictions = ["--output", str(folder / "predictions.parquet")]
    run("classifiers.predict", *best, "--input", str(images / "test"), *predictions)

    rows = []
    for head in HEADS:
        measures = json.loads((folder / f"{head}.json").read_text(encoding="utf-8"))
        values = [measures[name] for name in ("accuracy", "roc_auc", "log_loss")]
        rows.append((head, measures["images"], *values))
    print("\n" + format_table(rows, ("head", "test images", "accuracy", "roc_auc", "log_loss")))
    print(f"\npictures, after {time.monotonic() - started:.0f} s in all:")
    for picture in sorted(folder.glob("models/*/*.png")):
        print(f"  {picture}")


if __name__ == "__main__":
    main()
