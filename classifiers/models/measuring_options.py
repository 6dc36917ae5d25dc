"""The options that say on which images a model is measured."""

import argparse

from classifiers.models.measuring import on_images, on_table
from classifiers.models.opening import ModelOrFolder
from classifiers.models.reports import EvaluateReport
from classifiers.models.sources import refuse
from pipelines.cli import whole_number
from pipelines.images.layout_options import add_layout_options, layout_given, layout_of
from pipelines.images.splits import TEST


def add_measuring_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Give a command the options that `measured` reads, which may be required."""
    what = parser.add_mutually_exclusive_group(required=required)
    what.add_argument("--table", help="the feature table, for a head on features")
    what.add_argument("--input", help="a folder or manifest of images")
    add_also_table(parser)
    parser.add_argument("--table_version", type=whole_number, help="with --table: an older version")
    parser.add_argument(
        "--weights",
        help="with --input, of the base under a head on features: imagenet (if not given), "
        "random[:SEED], or a file",
    )
    parser.add_argument("--split", default=TEST, help="split to measure on")
    add_layout_options(parser, "with --input")


def add_also_table(parser: argparse.ArgumentParser) -> None:
    """Give a command the option that names tables beside the first."""
    parser.add_argument(
        "--also_table",
        action="append",
        metavar="TABLE",
        help="with --table: a table beside it that the model was trained with; of several all, in "
        "that order",
    )


def measured(options: argparse.Namespace, model: ModelOrFolder) -> EvaluateReport:
    """Measure a model on the images that the options name.

    Raises:
        UsageError: an option has no meaning beside another.
        FrozenFeaturesError: as `on_table` and `on_images`.
    """
    if options.input is None:
        refuse({"weights": options.weights, **layout_given(options)}, "--table")
        also = options.also_table or ()
        return on_table(model, options.table, options.split, options.table_version, also)
    of_tables = {"also_table": options.also_table, "table_version": options.table_version}
    refuse(of_tables, "--input")
    return on_images(
        model,
        options.input,
        options.split,
        options.input_root,
        layout_of(options),
        options.weights,
    )
