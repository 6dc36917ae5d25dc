"""The options that make a training on images."""

import argparse
from dataclasses import fields, replace

from classifiers.data.memory import default_budget
from classifiers.from_images.convnet import AUGMENTED_CONVNET, Convnet
from classifiers.from_images.on_base import DenseOnBase, FineTune
from classifiers.from_images.training import ImageTrainJob
from classifiers.from_images.way import Way
from classifiers.heads.catalogue import HEADS
from classifiers.models.decision_options import FOLDS, wanted_of
from classifiers.models.targets import target_at
from pipelines.bases import BASES, PREPROCESSINGS, base_named, parse_weights
from pipelines.cli import positive_number
from pipelines.contract import Augmentation
from pipelines.errors import UsageError
from pipelines.images.augmentation_options import (
    TRANSFORMS,
    add_policy_options,
    policy_choice,
    truth,
)
from pipelines.images.decode import INTERPOLATIONS, ORIENTATIONS, PixelSpec
from pipelines.images.layout_options import add_layout_options, layout_given, layout_of

WAYS: dict[str, type[Convnet] | type[DenseOnBase]] = {
    "convnet": Convnet,
    "dense": DenseOnBase,
    "finetune": FineTune,
}
"""What `--head` may name with `--from_images`."""

CONVNET_SIZE = 150
"""The book's, in pixels."""

SETTINGS = tuple(dict.fromkeys(each.name for way in WAYS.values() for each in fields(way)))
FOR_IMAGES = (
    *("image_size", "interpolation", "orientation", "base"),
    *("preprocessing", "augmented", *TRANSFORMS),
)


def add_image_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that trainings on images have besides those of heads."""
    group = parser.add_argument_group(
        "with --from_images",
        f"every image is run through the network in every epoch; {_defaults()}; no dropout",
    )
    group.add_argument(
        "--image_size",
        type=positive_number,
        help=f"height and width; the base's own, convnet: {CONVNET_SIZE}",
    )
    group.add_argument("--interpolation", choices=list(INTERPOLATIONS), help="bilinear")
    group.add_argument("--orientation", choices=ORIENTATIONS, help="the EXIF orientation; ignored")
    group.add_argument("--base", choices=sorted(BASES), help="dense, finetune: VGG16")
    group.add_argument(
        "--preprocessing", choices=PREPROCESSINGS, help="imagenet, the base's own; convnet: rescale"
    )
    group.add_argument(
        "--augmented",
        type=truth,
        help="transform every image anew in every epoch; convnet: false, dense and finetune: true",
    )
    add_policy_options(group)
    add_layout_options(parser, "with --from_images")


def refuse_image_options(options: argparse.Namespace) -> None:
    """Refuse what has no meaning with a table.

    Raises:
        UsageError: such an option is given.
    """
    if options.head not in {kind.head for kind in HEADS.values()}:
        raise UsageError(f"--head {options.head} is for --from_images, not for --table")
    given = layout_given(options) | {name: getattr(options, name) for name in FOR_IMAGES}
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"--{name} is for --from_images, not for --table")


def image_job(options: argparse.Namespace) -> ImageTrainJob:
    """The training that the options ask for.

    Raises:
        UsageError: an option is given that it has no use for.
    """
    for name in _for_tables():
        if getattr(options, name) is not None:
            raise UsageError(f"--{name} is for --table, not for --from_images")
    if options.head not in WAYS:
        raise UsageError(
            f"--head {options.head} is for --table; --from_images has {', '.join(WAYS)}"
        )
    wanted = wanted_of(options)
    if wanted.calibrate_on == FOLDS:
        raise UsageError(
            "--calibrate_on folds is for --table; networks on images are calibrated on a "
            "--validation_split"
        )
    augmented = options.head != "convnet" if options.augmented is None else options.augmented
    return ImageTrainJob(
        source=options.from_images,
        root=options.input_root,
        layout=layout_of(options),
        pixels=PixelSpec(
            size=options.image_size or _size(options),
            interpolation=options.interpolation or "bilinear",
            orientation=options.orientation or "ignored",
            augmentation=_policy(options, augmented=augmented),
        ),
        way=_way(options, augmented=augmented),
        model=target_at(options.model, overwrite=options.overwrite),
        train_split=options.train_split,
        validation_split=options.validation_split,
        class_weight=options.class_weight,
        seed=options.seed,
        budget=options.memory or default_budget(),
        wanted=wanted,
        checkpoint_every=options.checkpoint_every,
    )


def _for_tables() -> list[str]:
    """Options that have a meaning with a table only."""
    of_heads = [option.name for kind in HEADS.values() for option in kind.options]
    return [
        "also_table",
        "table_version",
        "copies",
        "pooling",
        *(name for name in of_heads if name not in SETTINGS),
    ]


def _defaults() -> str:
    plain = {name: way() for name, way in WAYS.items()} | {"convnet augmented": AUGMENTED_CONVNET}
    return "; ".join(
        f"{name}: {way.units} units, rate {way.learning_rate:g}, {way.epochs} epochs in batches of "
        f"{way.batch_size}"
        for name, way in plain.items()
    )


def _size(options: argparse.Namespace) -> int:
    if options.head == "convnet":
        return CONVNET_SIZE
    return base_named(options.base or DenseOnBase().base).default_size


def _policy(options: argparse.Namespace, *, augmented: bool) -> Augmentation | None:
    given = policy_choice(options)
    if augmented:
        return Augmentation(**given, seed=options.seed, split=options.train_split)
    if given:
        raise UsageError(
            f"--{next(iter(given))} says how images are transformed; --augmented true that they are"
        )
    return None


def _way(options: argparse.Namespace, *, augmented: bool) -> Way:
    plain = WAYS[options.head]()
    if augmented and options.head == "convnet":
        plain = AUGMENTED_CONVNET
    able = {each.name for each in fields(plain)}
    named = vars(options)
    given = {name: named[name] for name in SETTINGS if named.get(name) is not None}
    for name in given:
        if name not in able:
            raise UsageError(f"--{name} has no meaning with --from_images --head {options.head}")
    if "weights" in given:
        given["weights"] = parse_weights(given["weights"])
    return replace(plain, **given)
