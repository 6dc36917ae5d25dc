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
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from pipelines.cli import local_path
from pipelines.reports import format_table

SHARES = {"train": 3, "validation": 1, "test": 1}
"""How the images of each digit are dealt out, of five."""

HEADS = ("dense", "logistic", "linear_svm", "rbf_svm")


def choose_digits(of_each: int) -> dict[Path, int]:
    """Places in scikit-learn's bundled digits by `split/label/image` name of file.

    Of each digit there are as many as the largest multiple of five in `of_each`.
    """
    targets = load_digits().target
    chosen = {}
    for digit in range(10):
        places = iter(np.flatnonzero(targets == digit))
        for split, share in SHARES.items():
            for place in islice(places, share * (of_each // 5)):
                chosen[Path(split, str(digit), f"{place:04d}.png")] = int(place)
    return chosen


def write_digits(folder: Path, chosen: dict[Path, int]) -> None:
    """Write 8 x 8 greyscale PNG files."""
    grey = np.round(load_digits().images * (255 / 16)).astype(np.uint8)
    for name, place in chosen.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey[place]).save(folder / name)


def run(*arguments: str) -> None:
    """Run one of the project's commands, shown as a user would type it; stop if it fails."""
    print(f"\n$ python -m {shlex.join(arguments)}", flush=True)
    done = subprocess.run([sys.executable, "-m", *arguments], check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=local_path, default=Path("build/demo"))
    parser.add_argument(
        "--of_each", type=int, default=40, metavar="N", help="images of each digit, 5 to 170"
    )
    given = parser.parse_args()
    folder: Path = given.folder
    if not 5 <= given.of_each <= 170:
        parser.error(f"--of_each {given.of_each}: there are 5 to 170 images of each digit")
    started = time.monotonic()
    images, table = folder / "digits", folder / "features"
    chosen = choose_digits(given.of_each)
    others = {path.relative_to(images) for path in images.rglob("*.png")} - chosen.keys()
    if others:
        parser.error(f"{images} holds {len(others)} other digits: name another --folder")
    write_digits(images, chosen)
    print(f"{len(chosen)} handwritten digits in {images}")

    run("pipelines.extract", "--input", str(images), "--table", str(table))
    for head in HEADS:
        model = str(folder / "models" / head)
        options = ["--table", str(table), "--model", model]
        run("classifiers.train", "--head", head, "--overwrite", *options)
        run("classifiers.evaluate", *options, "--json", str(folder / f"{head}.json"))
    best = ["--model", str(folder / "models" / "logistic")]
    predictions = ["--output", str(folder / "predictions.parquet"), "--overwrite"]
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
