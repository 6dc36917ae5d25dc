"""Extraction on a GPU: the base alone, decoding alone and the whole, in float32 and bfloat16.

`KERAS_BACKEND` says which backend (tensorflow, jax or torch). Weights are random, for only speed
matters. The base alone runs on batches that lie on the card, decoding alone is files to pixels, the
whole is files to features with the Keras engine. The fraction is the base's operations a second
over those of the fastest large matrix product in the same dtype.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.accelerator import prepare_card
from benchmarks.alternating import spread
from benchmarks.base_on_card import BaseOnCard
from benchmarks.images import draw_images, repeat_images
from benchmarks.matmul_peak import measured_peak
from benchmarks.result import Cell, Result, Table, show
from pipelines.bases import base_named
from pipelines.cli import Parser, local_path, positive_number, run_command
from pipelines.errors import FrozenFeaturesError
from pipelines.images.listing import list_images
from pipelines.system.keras_backend import load_keras

DTYPES = ("float32", "bfloat16")
DRAWN = 256
"""Pictures drawn where there are no photographs; they are repeated to the number wanted."""


class NoCardError(FrozenFeaturesError):
    """There is no GPU to measure, or no backend to reach it with."""


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_gpu, argv)


def _gpu(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--base", default="VGG16")
    parser.add_argument(
        "--image_size", type=positive_number, help="height and width; the base's own if not given"
    )
    parser.add_argument("--input", type=local_path, help="photographs; drawn pictures if not given")
    parser.add_argument("--images", type=positive_number, default=8192)
    parser.add_argument("--batch_size", type=positive_number, default=256)
    parser.add_argument("--matrix", type=positive_number, default=8192, help="side for the peak")
    parser.add_argument("--repeats", type=positive_number, default=5)
    parser.add_argument("--allow_cpu", action="store_true", help="run without a GPU, as a test")
    parser.add_argument("--json", type=local_path, help="also write the result here")
    options = parser.parse_args(argv)
    try:
        card = prepare_card()
    except ImportError as error:
        raise NoCardError(f"{error}; set KERAS_BACKEND to a backend that is installed") from error
    backend = load_keras().backend.backend()
    if card is None and not options.allow_cpu:
        raise NoCardError(f"Keras's backend {backend} finds no GPU; --allow_cpu runs without one")
    with tempfile.TemporaryDirectory() as folder:
        show(_measure(options, card or "none, on the CPU", backend, Path(folder)), options.json)


def _measure(options: argparse.Namespace, card: str, backend: str, folder: Path) -> Result:
    source = options.input or draw_images(folder / "drawn", min(DRAWN, options.images))
    images = repeat_images(source, folder / "images", options.images)
    refs = list_images(str(images), None)
    base = base_named(options.base)
    size = options.image_size or base.default_size
    speeds: list[Sequence[Cell]] = []
    shares: list[Sequence[Cell]] = []
    raw = {}
    for dtype in DTYPES:
        bench = BaseOnCard(base, size, dtype, options.batch_size, refs)
        bench.warm_up()
        rates = [bench.run() for _ in range(options.repeats)]
        peak = measured_peak(dtype, options.matrix)
        parts = {
            "base alone": [each.base for each in rates],
            "decoding alone": [each.decoding for each in rates],
            "files to features": [each.whole for each in rates],
        }
        speeds += [(dtype, part, *spread(values)) for part, values in parts.items()]
        reached = spread(parts["base alone"])[0] * bench.flops
        shares.append((dtype, bench.flops / 1e9, reached / 1e12, peak / 1e12, reached / peak))
        raw[dtype] = {**parts, "flops_per_image": bench.flops, "peak_flops": peak}
    return Result(
        "Extraction on a GPU",
        {
            "card": card,
            "backend": backend,
            "base": options.base,
            "image_size": size,
            "weights": "random",
            "images": options.images,
            "pictures": "photographs" if options.input else "drawn",
            "batch_size": options.batch_size,
            "repeats": options.repeats,
        },
        [
            Table("Images a second", ("dtype", "part", "median", "least", "most"), speeds),
            Table(
                "The base against the card's fastest matrix product",
                ("dtype", "GFLOP an image", "TFLOP/s reached", "TFLOP/s at most", "fraction"),
                shares,
            ),
        ],
        raw,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
