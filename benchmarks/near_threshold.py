"""Which `--near` of `audit` suits the features of a table: variants of its images are planted.

They are what becomes of photographs on their way: resized to 60 %, saved as JPEG of quality 50,
cropped to 90 %, mirrored, 30 % darker or brighter. Those that are near their image are found; any
other pair that is as near is wrong.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageOps

from benchmarks.result import Result, Table, show
from classifiers.auditing.directions import directions, take_roots
from classifiers.auditing.rows import first_of_equal
from classifiers.data.pooled import read_pooled
from classifiers.data.row_groups import find_rows
from pipelines import extract
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.contract import Contract
from pipelines.errors import UsageError
from pipelines.table.feature_table import FeatureTable

Floats = npt.NDArray[np.float32]

KINDS = ("resized", "jpeg", "cropped", "mirrored", "brightness")
THRESHOLDS = np.arange(0.35, 0.951, 0.05)
ENOUGH = 0.99
"""Share of pairs that must be right at the threshold that is advised."""


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_near_threshold, argv)


def _near_threshold(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.near_threshold", description=__doc__)
    parser.add_argument("--table", required=True, help="of the features to measure for")
    parser.add_argument(
        "--input", type=local_path, required=True, help="the folder that it was made of"
    )
    parser.add_argument("--weights", default="imagenet", help="of the table's base")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--planted", type=positive_number, default=300)
    parser.add_argument(
        "--images", type=positive_number, default=10_000, help="of the table, at most"
    )
    parser.add_argument("--json", type=local_path, help="also write the result here")
    options = parser.parse_args(argv)
    show(_measure(options), options.json)


def _measure(options: argparse.Namespace) -> Result:
    random = np.random.default_rng(0)
    table = FeatureTable.open(options.table)
    rows = find_rows(table, None, copies=0)
    pooled = read_pooled(rows)
    ids = np.array(rows.keys["image_id"].to_pylist(), object)
    # What is there twice already is no mistake of the threshold's.
    single = np.flatnonzero(first_of_equal(pooled) == np.arange(len(pooled)))
    kept = np.sort(random.permutation(single)[: options.images])
    chosen = np.sort(random.permutation(len(kept))[: options.planted])
    with tempfile.TemporaryDirectory() as made:
        images = Path(made, "variants")
        for number, place in enumerate(chosen):
            _plant(options.input / ids[kept[place]], images, number, random)
        planted, numbers = _features_of(images, Path(made, "features"), table.contract, options)
    roots = np.concatenate([pooled[kept], planted])
    take_roots(roots)
    found = directions(roots)
    of = chosen[numbers]
    kinds = numbers % len(KINDS)
    lines, advised = _by_threshold(found.units, of, kinds)
    settings = {
        "layer": table.contract.layer,
        "image_size": table.contract.image_size,
        "images": len(kept),
        "planted": len(of),
    }
    advice = [(f"{found.near:.2f}", "none of these" if advised is None else f"{advised:.2f}")]
    columns = ("--near", "found", "pairs right", *KINDS)
    return Result(
        f"Near duplicates with {table.contract.base}",
        settings,
        [
            Table("Share of the planted that is found", columns, lines),
            Table("Threshold", ("audit's own", f"least with {ENOUGH} of the pairs right"), advice),
        ],
        {"lines": lines},
    )


def _plant(path: Path, folder: Path, number: int, random: np.random.Generator) -> None:
    """Write a variant of an image, whose kind follows from its number."""
    if not path.is_file():
        raise UsageError(f"no image {path}; --input is the folder that the table was made of")
    image = Image.open(path).convert("RGB")
    width, height = image.size
    kind, quality = KINDS[number % len(KINDS)], 95
    if kind == "resized":
        image = image.resize((round(0.6 * width), round(0.6 * height)), Image.Resampling.BICUBIC)
    elif kind == "jpeg":
        quality = 50
    elif kind == "cropped":
        left, top = (int(random.integers(0, side // 10 + 1)) for side in image.size)
        image = image.crop((left, top, left + round(0.9 * width), top + round(0.9 * height)))
    elif kind == "mirrored":
        image = ImageOps.mirror(image)
    else:
        image = ImageEnhance.Brightness(image).enhance(random.choice([0.7, 1.3]))
    folder.mkdir(exist_ok=True)
    image.save(folder / f"{number:06d}.jpg", quality=quality)


def _features_of(
    images: Path, table: Path, contract: Contract, options: argparse.Namespace
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Pooled features of the variants, and their numbers, in the order of the numbers."""
    given = {
        "input": images,
        "table": table,
        "weights": options.weights,
        "engine": options.engine,
        "base": contract.base,
        "image_size": contract.image_size,
        "interpolation": contract.interpolation,
        "orientation": contract.orientation,
        "preprocessing": contract.preprocessing,
        "layer": contract.layer,
        "pooling": contract.pooling,
        "compute_dtype": contract.compute_dtype,
        "precision": contract.precision,
        "top": str(contract.top).lower(),
    }
    argv = [f"--{name}={value}" for name, value in given.items()]
    extract.work(extract.make_parser().parse_args(argv))
    rows = find_rows(FeatureTable.open(str(table)), None, copies=0)
    numbers = [int(Path(each).stem) for each in rows.keys["image_id"].to_pylist()]
    return read_pooled(rows), np.array(numbers)


def _by_threshold(
    units: Floats, of: npt.NDArray[np.int64], kinds: npt.NDArray[np.int64]
) -> tuple[list[tuple[float, ...]], float | None]:
    """Shares by threshold, and the least threshold at which enough of the pairs are right.

    Args:
        units: float32 (n + m, channels) of images, and then of their variants.
        of: int64 (m,), the place of each variant's image.
        kinds: int64 (m,), of each variant.
    """
    first = len(units) - len(of)
    own = (units[first:] * units[of]).sum(axis=1)
    lines, advised = [], None
    nearness = np.triu(units @ units.T, 1)
    for threshold in THRESHOLDS:
        pairs = int((nearness >= threshold).sum())
        hits = own >= threshold
        right = float(hits.sum()) / pairs if pairs else 1.0
        shares = [float(hits[kinds == kind].mean()) for kind in range(len(KINDS))]
        lines.append((round(float(threshold), 2), float(hits.mean()), right, *shares))
        if advised is None and right >= ENOUGH:
            advised = float(threshold)
    return lines, advised


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
