"""`python -m classifiers.predict`: classes of images, from stored features or from the images."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from classifiers.models.folder import Model, load_model, read_card
from classifiers.models.predicting import (
    predict_images,
    predict_pixels,
    predict_table,
    write_predictions,
)
from pipelines.bases import parse_weights
from pipelines.cli import (
    Parser,
    add_json_option,
    format_table,
    log,
    run_command,
    whole_number,
    write_json,
)
from pipelines.contract import require_same_contract
from pipelines.engines.choosing import open_without_race
from pipelines.errors import UsageError, WeightsError
from pipelines.images.listing import list_images
from pipelines.table.feature_table import FeatureTable

BATCH_SIZE = 32
FOR_TABLES = ("split", "table_version")
FOR_IMAGES = ("weights", "input_root")


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    return run_command(_predict, argv)


def _predict(argv: Sequence[str]) -> int:
    parser = Parser(
        prog="python -m classifiers.predict", description=(__doc__ or "").partition(": ")[2]
    )
    parser.add_argument(
        "--model", required=True, metavar="DIR", help="what classifiers.train wrote"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--table", help="a feature table")
    what.add_argument("--input", help="a folder or manifest of images")
    parser.add_argument("--split", help="with --table: this split only")
    parser.add_argument("--table_version", type=whole_number, help="with --table: an older version")
    parser.add_argument(
        "--input_root", help="with --input: folder a manifest's paths are relative to"
    )
    parser.add_argument(
        "--weights", help="with --input: imagenet (if not given), random[:SEED], or a file"
    )
    parser.add_argument("--output", required=True, metavar="FILE.parquet")
    add_json_option(parser)
    options = parser.parse_args(argv)

    _refuse_misplaced(options)
    output = _output(options.output)
    folder = Path(options.model)
    read_card(folder)
    tables, model = _read(options, folder)
    predicted, failed = write_predictions(tables, model, output)
    rows = [
        ("predicted", str(predicted)),
        ("could not be used", str(failed)),
        ("file", str(output)),
    ]
    print(format_table(rows))
    write_json(options.json, {"predicted": predicted, "failed": failed, "output": str(output)})
    return 0 if predicted or not failed else 1


def _refuse_misplaced(options: argparse.Namespace) -> None:
    chosen, other = (
        ("--table", FOR_IMAGES) if options.table is not None else ("--input", FOR_TABLES)
    )
    for name in other:
        if getattr(options, name) is not None:
            raise UsageError(f"--{name} has no meaning with {chosen}")


def _output(text: str) -> Path:
    path = Path(text)
    if path.suffix != ".parquet":
        raise UsageError(f"--output {text}: the predictions are Parquet, name a file.parquet")
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise UsageError(f"--output {text}: no folder {path.resolve().parent} to write it in")
    return path


def _read(options: argparse.Namespace, folder: Path) -> tuple[Iterator[pa.Table], Model]:
    return (_from_images if options.table is None else _from_table)(options, folder)


def _from_table(options: argparse.Namespace, folder: Path) -> tuple[Iterator[pa.Table], Model]:
    contract = read_card(folder).of_features()
    table = FeatureTable.open(options.table, options.table_version)
    require_same_contract(contract, "the model", table.contract, "the table")
    model = load_model(folder)
    return predict_table(model, table, options.split), model


def _from_images(options: argparse.Namespace, folder: Path) -> tuple[Iterator[pa.Table], Model]:
    refs = list_images(options.input, options.input_root)
    card = read_card(folder)
    if card.images is not None:
        if options.weights is not None:
            raise UsageError("--weights has no meaning here: this model holds its own")
        model = load_model(folder)
        return predict_pixels(model, refs), model
    contract = card.of_features()
    weights = parse_weights(options.weights or "imagenet")
    try:
        opened = open_without_race(contract, weights, BATCH_SIZE)
    except WeightsError as error:
        if options.weights is not None:
            raise
        raise WeightsError(
            f"the model's features were made with weights {contract.weights[:12]}…, which could "
            f"not be had as ImageNet's; name them with --weights ({error})"
        ) from error
    log(f"{len(refs)} images through {contract.base}")
    model = load_model(folder)
    return predict_images(model, refs, opened), model


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
