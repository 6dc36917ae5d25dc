"""Exported files against this project's own predictions, on photographs that no head has seen.

Each model is written in each format and what the file says of the photographs is held against the
probabilities that `predict --input` gives for the same files.
"""

import argparse
import gc
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import frozen_features as ff
from benchmarks.result import Result, Table, show
from classifiers.exporting.formats import FORMATS
from classifiers.models.card import ModelCard
from classifiers.models.folder import load_model
from pipelines.cli import Parser, local_path, log, positive_number, run_command
from pipelines.errors import InputError
from pipelines.images.decode import decode_image, pixel_spec
from pipelines.system.keras_backend import load_keras


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns its exit status."""
    return run_command(_exports, argv)


def _exports(argv: Sequence[str]) -> None:
    parser = Parser(prog="python -m benchmarks.exports", description=__doc__)
    parser.add_argument("--models", type=local_path, nargs="+", required=True)
    parser.add_argument(
        "--input", type=local_path, required=True, help="folder of folders of photographs"
    )
    parser.add_argument("--images", type=positive_number, default=200)
    parser.add_argument("--weights", default="imagenet", help="of the base of heads on features")
    parser.add_argument("--formats", nargs="+", choices=list(FORMATS), default=list(FORMATS))
    parser.add_argument("--json", type=local_path, help="also write the result here")
    options = parser.parse_args(argv)
    show(_measure(options), options.json)


def _measure(options: argparse.Namespace) -> Result:
    photographs = some_of_each(options.input, options.images)
    rows: list[tuple[str, ...]] = []
    raw: dict[str, dict[str, float]] = {}
    for folder in options.models:
        found = differences(folder, photographs, options.weights, options.formats)
        card = load_model(folder).card
        calibrated = card.decisions is not None and card.decisions.calibrates
        rows.append(
            (card.head, "yes" if calibrated else "no", *(f"{each:.1e}" for each in found.values()))
        )
        raw[folder.name] = found
        log(f"{folder.name}: {', '.join(f'{name} {each:.1e}' for name, each in found.items())}")
    return Result(
        "Exported files",
        {"images": len(photographs), "formats": " ".join(options.formats)},
        [
            Table(
                "Largest difference of a probability from predict's",
                ("head", "calibrated", *options.formats),
                rows,
            )
        ],
        raw,
    )


def differences(
    folder: Path, photographs: Sequence[Path], weights: str, formats: Sequence[str]
) -> dict[str, float]:
    """The largest difference of a probability, by format.

    Args:
        folder: a model that gives probabilities.
        photographs: image files.
        weights: of the base, as `predict` takes them; of a head on features.
        formats: keys of `FORMATS`.

    Raises:
        InputError: a photograph cannot be used.
    """
    card = load_model(folder).card
    needed = None if card.images is not None else weights
    wanted = _predicted(folder, photographs, card, needed)
    pixels = _pixels(photographs, card)
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for name in formats:
            path = Path(temporary) / f"exported{FORMATS[name].suffix}"
            ff.export(folder, format=name, output=path, weights=needed)
            found[name] = float(np.abs(FORMATS[name].run(path, pixels) - wanted).max())
            load_keras().utils.clear_session()  # of networks that are done with: gigabytes
            gc.collect()
    return found


def some_of_each(folder: Path, images: int) -> list[Path]:
    """The first photographs of each folder in a folder, as many of each.

    Raises:
        InputError: there are no folders in it.
    """
    folders = sorted(each for each in folder.iterdir() if each.is_dir())
    if not folders:
        raise InputError(f"{folder} holds no folders of photographs")
    each = -(-images // len(folders))
    return [path for sub in folders for path in sorted(sub.iterdir())[:each]][:images]


def _predicted(
    folder: Path, photographs: Sequence[Path], card: ModelCard, weights: str | None
) -> npt.NDArray[np.float64]:
    rows = ff.predict(folder, input=list(photographs), probabilities=True, weights=weights).rows
    if rows.num_rows != len(photographs) or rows["error"].null_count != len(photographs):
        raise InputError("a photograph cannot be used; name others with --input")
    order = [rows["image_id"].to_pylist().index(str(path)) for path in photographs]
    columns = [rows[f"probability_{name}"].to_numpy()[order] for name in card.classes]
    return np.column_stack(columns)


def _pixels(photographs: Sequence[Path], card: ModelCard) -> npt.NDArray[np.uint8]:
    spec = pixel_spec(card.contract) if card.contract is not None else card.of_images().pixel_spec()
    return np.stack([decode_image(path.read_bytes(), spec).pixels for path in photographs])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
