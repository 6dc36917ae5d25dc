"""`python -m classifiers.evaluate`: measure a trained model on a split of a table, or of images."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from classifiers.data.images import labelled, left_out
from classifiers.data.row_groups import find_rows
from classifiers.data.training_set import labelled_rows
from classifiers.models.card import ModelCard
from classifiers.models.evaluation import Evaluation, measure
from classifiers.models.folder import load_model, read_card
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
from pipelines.errors import UsageError
from pipelines.images.listing import list_images
from pipelines.images.splits import TEST
from pipelines.records import Failure
from pipelines.table.feature_table import FeatureTable


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    return run_command(_evaluate, argv)


def _evaluate(argv: Sequence[str]) -> int:
    parser = Parser(
        prog="python -m classifiers.evaluate", description=(__doc__ or "").partition(": ")[2]
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--table", help="the feature table, for a head on features")
    what.add_argument("--input", help="a folder or manifest, for a model that reads images")
    parser.add_argument("--table_version", type=whole_number, help="with --table: an older version")
    parser.add_argument(
        "--input_root", help="with --input: folder a manifest's paths are relative to"
    )
    parser.add_argument(
        "--model", required=True, metavar="DIR", help="what classifiers.train wrote"
    )
    parser.add_argument("--split", default=TEST, help="split to measure on")
    add_json_option(parser)
    options = parser.parse_args(argv)

    other = "input_root" if options.input is None else "table_version"
    if getattr(options, other) is not None:
        raise UsageError(f"--{other} has no meaning without --{other.partition('_')[0]}")
    card = read_card(Path(options.model))
    result, source = (_on_table if options.input is None else _on_images)(options, card)
    _print(card.head, options.split, result)
    write_json(
        options.json,
        {**result.as_json(), "head": card.head, "split": options.split, **source},
    )
    return 0


def _on_table(options: argparse.Namespace, card: ModelCard) -> tuple[Evaluation, dict[str, Any]]:
    contract = card.of_features()
    table = FeatureTable.open(options.table, options.table_version)
    require_same_contract(contract, "the model", table.contract, "the table")
    samples = labelled_rows(find_rows(table, options.split, copies=0), card.classes)
    result = measure(load_model(Path(options.model)).head, samples.batches(), card.classes)
    return result, {"table": table.uri, "table_version": table.version}


def _on_images(options: argparse.Namespace, card: ModelCard) -> tuple[Evaluation, dict[str, Any]]:
    pixels = card.of_images().pixel_spec()
    refs = list_images(options.input, options.input_root)
    part = labelled(refs, options.split, card.classes)
    failures: list[Failure] = []
    head = load_model(Path(options.model)).head
    result = measure(head, part.batches(pixels, failures), card.classes)
    if failures:
        log(left_out(failures))
    return result, {"input": options.input, "left_out": len(failures)}


def _print(head: str, split: str, result: Evaluation) -> None:
    overall = (head, split, result.images, result.accuracy, result.roc_auc, result.log_loss)
    print(format_table([overall], ("head", "split", "images", "accuracy", "roc_auc", "log_loss")))
    rows = [
        (name, each["precision"], each["recall"], each["f1"], each["support"])
        for name, each in result.per_class.items()
    ]
    print("\n" + format_table(rows, ("class", "precision", "recall", "f1", "images")))
    confusion = [
        (name, *counts) for name, counts in zip(result.classes, result.confusion, strict=True)
    ]
    print("\n" + format_table(confusion, ("true \\ predicted", *result.classes)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
