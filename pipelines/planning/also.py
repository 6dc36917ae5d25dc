"""The option that names further tables of an extraction: `--also BASE[:LAYER[:POOLING]]=TABLE`."""

import argparse
from dataclasses import replace

from pipelines.bases import BASES, POOLINGS, parse_base
from pipelines.errors import UsageError
from pipelines.planning.job import Destination, FeatureChoice
from pipelines.planning.scaling_options import scaling_choice

ALSO = "--also"
_FORM = "BASE[:LAYER[:POOLING]]=TABLE"


def add_also_option(group: argparse._ArgumentGroup) -> None:
    """Give a group of options the one that names further tables."""
    group.add_argument(
        ALSO,
        action="append",
        metavar=_FORM,
        help="fill a further table in the same run, each image read once; may be given again. "
        "LAYER is the base's last if not given; the other options hold for all tables",
    )


def destinations(options: argparse.Namespace, first: FeatureChoice) -> tuple[Destination, ...]:
    """The tables that `--also` names.

    Args:
        options: of the command.
        first: what they say of the first table.

    Raises:
        UsageError: one of them is wrong.
    """
    return tuple(_destination(text, options, first) for text in options.also or ())


def _destination(text: str, options: argparse.Namespace, first: FeatureChoice) -> Destination:
    what, _, table = text.partition("=")
    named, layer, pooling = _taken_apart(what)
    if not (named and table):
        raise UsageError(
            f"{ALSO} {text}: say which features and into which table, as in "
            f"{ALSO} ResNet50:conv4_block6_out:avg=TABLE"
        )
    try:
        base, weights = parse_base(named, options.weights if named in BASES else "imagenet")
        if weights.kind == "file" and base != first.base:
            raise UsageError(
                f"--weights {options.weights} are of {first.base}; run {base} by itself, or "
                f"name it with --base and {first.base} with {ALSO}"
            )
        scaling = scaling_choice(options, base)
    except UsageError as error:
        raise UsageError(f"{ALSO} {text}: {error}") from error
    features = replace(
        first,
        base=base,
        weights=weights,
        layer=layer or None,
        pooling=pooling or first.pooling,
        scaling=scaling,
    )
    return Destination(table, features)


def _taken_apart(what: str) -> tuple[str, str, str]:
    """Base, layer and pooling; names of an ONNX file's tensors may have colons in them."""
    base, _, rest = what.partition(":")
    layer, colon, pooling = rest.rpartition(":")
    if colon and pooling in POOLINGS:
        return base, layer, pooling
    return base, rest, ""
