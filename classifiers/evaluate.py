"""`python -m classifiers.evaluate`: measure a trained model on a split of a table, or of images."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from classifiers.data.encoding import unknown_classes
from classifiers.data.images import labelled, labels_of, left_out, of_split
from classifiers.data.row_groups import find_rows
from classifiers.data.training_set import labelled_rows
from classifiers.models.evaluation import measure
from classifiers.models.opening import ModelOrFolder, card_of, opened
from classifiers.models.reports import EvaluateReport
from classifiers.models.soundness import require_length
from classifiers.models.sources import refuse
from pipelines.cli import (
    Parser,
    add_json_option,
    local_path,
    log,
    run_command,
    whole_number,
    write_json,
)
from pipelines.contract import require_same_contract
from pipelines.images.layout import PLAIN, Layout
from pipelines.images.layout_options import add_layout_options, layout_given, layout_of
from pipelines.images.listing import list_images
from pipelines.images.splits import TEST
from pipelines.records import Failure
from pipelines.table.feature_table import FeatureTable

PROG = "python -m classifiers.evaluate"


def main(argv: Sequence[str], prog: str = PROG) -> int:
    """Run the command; returns its exit status."""
    return run_command(partial(_evaluate, make_parser(prog)), argv)


def _evaluate(parser: Parser, argv: Sequence[str]) -> int:
    options = parser.parse_args(argv)
    report = work(options)
    print(report)
    write_json(options.json, report.as_json())
    return 0


def make_parser(prog: str = PROG) -> Parser:
    """The command's options."""
    parser = Parser(prog=prog, description=(__doc__ or "").partition(": ")[2])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--table", help="the feature table, for a head on features")
    what.add_argument("--input", help="a folder or manifest, for a model that reads images")
    parser.add_argument("--table_version", type=whole_number, help="with --table: an older version")
    parser.add_argument(
        "--model",
        type=local_path,
        required=True,
        metavar="DIR",
        help="what classifiers.train wrote",
    )
    parser.add_argument("--split", default=TEST, help="split to measure on")
    add_layout_options(parser, "with --input")
    add_json_option(parser)
    return parser


def work(options: argparse.Namespace) -> EvaluateReport:
    """Do what the options of `make_parser` say."""
    if options.input is None:
        refuse(layout_given(options), "--table")
        return on_table(options.model, options.table, options.split, options.table_version)
    refuse({"table_version": options.table_version}, "--input")
    layout = layout_of(options)
    return on_images(options.model, options.input, options.split, options.input_root, layout)


def on_table(
    model: ModelOrFolder, location: str, split: str, version: int | None = None
) -> EvaluateReport:
    """Measure a model on a split of a table.

    Raises:
        TableError: there is no such table, version or split.
        ContractMismatchError: its features are not the model's.
        UsageError: the model reads images.
        ModelError: the model is not what its card says, or gives no finite scores.
    """
    card = card_of(model)
    contract = card.of_features()
    table = FeatureTable.open(location, version)
    require_same_contract(contract, "the model", table.contract, "the table")
    rows = find_rows(table, split, copies=0)
    samples = labelled_rows(rows, card.classes, split)
    model = opened(model)
    require_length(model.head, table.feature_length, f"the table {table.uri}", model.name)
    result = measure(model.head, samples.batches(), card.classes)
    source = {
        "table": table.uri,
        "table_version": table.version,
        **_unknown(rows.labels(), card.classes),
    }
    return EvaluateReport(card.head, split, result, source)


def on_images(
    model: ModelOrFolder,
    location: str,
    split: str,
    root: str | None = None,
    layout: Layout = PLAIN,
) -> EvaluateReport:
    """Measure a model on a split of a folder or manifest of images.

    Raises:
        InputError: there are no such images, or none can be used.
        UsageError: the model takes features.
    """
    card = card_of(model)
    pixels = card.of_images().pixel_spec()
    refs = list_images(location, root, layout)
    part = labelled(refs, split, card.classes)
    failures: list[Failure] = []
    result = measure(opened(model).head, part.batches(pixels, failures), card.classes)
    if failures:
        log(left_out(failures))
    source = {
        "input": location,
        "left_out": len(failures),
        **_unknown(labels_of(of_split(refs, split)), card.classes),
    }
    return EvaluateReport(card.head, split, result, source)


def _unknown(labels: npt.NDArray[np.object_], classes: Sequence[str]) -> dict[str, dict[str, int]]:
    unknown = unknown_classes(labels, classes)
    return {"unknown_classes": dict(unknown)} if unknown else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
