"""`python -m classifiers.evaluate`: measure a trained head on a split of a feature table."""

import sys
from collections.abc import Sequence
from pathlib import Path

from classifiers.evaluation import Evaluation, measure
from classifiers.registry import load_model, read_card
from classifiers.row_groups import find_rows
from classifiers.training_set import labelled_rows
from pipelines.command import (
    Parser,
    add_json_option,
    format_table,
    run_command,
    whole_number,
    write_json,
)
from pipelines.contract import require_same_contract
from pipelines.source.splits import TEST
from pipelines.table.feature_table import FeatureTable


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    return run_command(_evaluate, argv)


def _evaluate(argv: Sequence[str]) -> int:
    parser = Parser(
        prog="python -m classifiers.evaluate", description=(__doc__ or "").partition(": ")[2]
    )
    parser.add_argument("--table", required=True, help="the feature table")
    parser.add_argument(
        "--table_version", type=whole_number, help="an older version; the newest if not given"
    )
    parser.add_argument(
        "--model", required=True, metavar="DIR", help="what classifiers.train wrote"
    )
    parser.add_argument("--split", default=TEST, help="split to measure on")
    add_json_option(parser)
    options = parser.parse_args(argv)

    folder = Path(options.model)
    card = read_card(folder)
    table = FeatureTable.open(options.table, options.table_version)
    require_same_contract(card.contract, "the model", table.contract, "the table")
    samples = labelled_rows(find_rows(table, options.split, copies=0), card.classes)
    result = measure(load_model(folder).head, samples.batches(), card.classes)
    _print(card.head, options.split, result)
    write_json(
        options.json,
        {
            **result.as_json(),
            "head": card.head,
            "split": options.split,
            "table": table.uri,
            "table_version": table.version,
        },
    )
    return 0


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
