"""The options that say which features are wanted and by what; shared by commands that extract."""

import argparse

from pipelines.bases import POOLINGS, SCALINGS, parse_base
from pipelines.cli import positive_number
from pipelines.contract import COMPUTE_DTYPES
from pipelines.engines.kinds import AUTO, ENGINES
from pipelines.images.decode import INTERPOLATIONS, ORIENTATIONS
from pipelines.planning.job import DEFAULT_BATCH_SIZE, FeatureChoice
from pipelines.planning.scaling_options import add_scaling_options, scaling_choice
from pipelines.stores.reading import MAX_IMAGE_BYTES
from pipelines.table.precision import MANTISSA_BITS

DEFAULTS = FeatureChoice()


def add_feature_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Give a command the options that make the contract, in a group that takes more of them."""
    features = parser.add_argument_group("which features (the contract)")
    features.add_argument(
        "--base",
        default=DEFAULTS.base,
        metavar="NAME|FILE",
        help="the frozen base; pipelines.describe --bases lists them; or an ONNX file, a .keras "
        "file, a model folder",
    )
    features.add_argument(
        "--weights", default="imagenet", help="imagenet, random[:SEED], or a weights file"
    )
    features.add_argument(
        "--image_size", type=positive_number, help="height and width; the base's own if not given"
    )
    features.add_argument(
        "--preprocessing",
        default=DEFAULTS.preprocessing,
        choices=("imagenet", *SCALINGS),
        help="imagenet: the base's own; rescale: 1/255; the others: usual numbers by name",
    )
    add_scaling_options(features)
    features.add_argument(
        "--interpolation",
        default=DEFAULTS.interpolation,
        choices=list(INTERPOLATIONS),
        help="for resizing",
    )
    features.add_argument(
        "--resize",
        default=DEFAULTS.resize,
        metavar="squash|crop[:SIDE]|letterbox[:GREY]",
        help="squash: square whatever the shape; crop: the shorter side becomes SIDE, and the "
        "centre is taken; letterbox: the longer side fits, the rest is GREY",
    )
    features.add_argument(
        "--orientation",
        default=DEFAULTS.orientation,
        choices=ORIENTATIONS,
        help="the EXIF orientation",
    )
    features.add_argument(
        "--top",
        default="false",
        choices=("true", "false"),
        help="true: the base with its classifying top, whose last layer gives probabilities",
    )
    features.add_argument(
        "--layer", help="layer whose output is taken; the base's last if not given"
    )
    features.add_argument(
        "--pooling",
        default=DEFAULTS.pooling,
        choices=POOLINGS,
        help="over height and width, or over tokens; cls: the first token",
    )
    features.add_argument(
        "--precision",
        default=DEFAULTS.precision,
        choices=list(MANTISSA_BITS),
        help="mantissa that stored values keep",
    )
    features.add_argument(
        "--compute_dtype",
        default=DEFAULTS.compute_dtype,
        choices=COMPUTE_DTYPES,
        help="what the base computes in; int8 is for CPUs, tfloat32 for GPUs, bfloat16 and "
        "float16 for GPUs and for CPUs on which they gain time",
    )
    features.add_argument(
        "--calibration",
        metavar="PLACE",
        help="with int8: folder or manifest of images to quantise the base on; 100 of the "
        "training images if not given",
    )
    return features


def add_work_options(group: argparse._ArgumentGroup) -> None:
    """Give a group of options what says how images are shared out, run and committed."""
    group.add_argument(
        "--engine",
        default=AUTO,
        choices=ENGINES,
        help="what runs the base; auto: the fastest that agrees",
    )
    group.add_argument(
        "--batch_size", type=positive_number, default=DEFAULT_BATCH_SIZE, help="images a call"
    )
    group.add_argument(
        "--threads", type=positive_number, help="cores a worker uses; all of them if not given"
    )
    group.add_argument(
        "--shard_size",
        type=positive_number,
        metavar="ROWS",
        help="by bytes and time, and several a worker, if not given",
    )
    group.add_argument(
        "--commit_every",
        type=positive_number,
        metavar="IMAGES",
        help="commit whenever so many more are done; once, at the end, if not given",
    )
    group.add_argument(
        "--max_image_bytes",
        type=positive_number,
        default=MAX_IMAGE_BYTES,
        metavar="BYTES",
        help="a larger file is a failure, and not read",
    )


def feature_choice(options: argparse.Namespace) -> FeatureChoice:
    """What the options of `add_feature_options` say."""
    top = options.top == "true"
    base, weights = parse_base(options.base, options.weights)
    scaling = scaling_choice(options, base)
    return FeatureChoice(
        base=base,
        weights=weights,
        image_size=options.image_size,
        interpolation=options.interpolation,
        orientation=options.orientation,
        preprocessing=options.preprocessing,
        layer=options.layer,
        pooling=options.pooling,
        precision=options.precision,
        compute_dtype=options.compute_dtype,
        top=top,
        scaling=scaling,
        resize=options.resize,
        calibration=options.calibration,
    )
