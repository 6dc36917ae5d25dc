"""The options that say how many augmented copies are wanted, and how they are made."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from pipelines.cli import seed_number, whole_number
from pipelines.contract import FILLS, Augmentation
from pipelines.errors import UsageError
from pipelines.images.splits import TEST, VALIDATION

OF_THE_BOOK = Augmentation()

HELP = {
    "rotation": "largest angle either way, in degrees",
    "width_shift": "largest shift either way, as a share of the width",
    "height_shift": "largest shift either way, as a share of the height",
    "shear": "largest angle either way, in radians",
    "zoom": "height and width are each scaled by 1 - ZOOM to 1 + ZOOM",
    "horizontal_flip": "whether every other copy is mirrored",
    "fill": "what lies outside an image",
    "augment_seed": "of all draws",
    "augment_split": "the split whose images have copies",
}
FIELD_OF = {"augment_seed": "seed", "augment_split": "split"}
TRANSFORMS = tuple(name for name in HELP if name not in FIELD_OF)


def up_to(most: float, *, below: bool = False) -> Callable[[str], float]:
    """A parser of an option's value from 0 to `most`, or below it."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0.0 <= value <= most or (below and value == most):
            bound = "and below" if below else "to"
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 {bound} {most:g}")
        return value

    return parse


def truth(text: str) -> bool:
    """An option's value that is true or false."""
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text == "true"


TYPES: dict[str, Callable[[str], Any]] = {
    "rotation": up_to(180.0),
    "width_shift": up_to(1.0),
    "height_shift": up_to(1.0),
    "shear": up_to(1.5),
    "zoom": up_to(1.0, below=True),
    "horizontal_flip": truth,
    "fill": str,
    "augment_seed": seed_number,
    "augment_split": str,
}


def add_augmentation_options(parser: argparse.ArgumentParser) -> None:
    """Give a command `--augment K` and the policy's options, the book's if not given."""
    group = parser.add_argument_group(
        "augmented copies (how they are made is the table's; if not given, as the table has it)"
    )
    group.add_argument(
        "--augment",
        type=whole_number,
        default=0,
        metavar="K",
        help="augmented copies of each training image, beside the image itself; in a run without "
        "it new images get none, and those of the table's images are kept",
    )
    add_policy_options(group)
    _add(group, tuple(FIELD_OF))


def add_policy_options(group: argparse._ArgumentGroup) -> None:
    """Give a group of options those that say how an image is transformed."""
    _add(group, TRANSFORMS)


def augmentation_choice(options: argparse.Namespace) -> dict[str, Any]:
    """What the options of `add_augmentation_options` name: values by field of `Augmentation`.

    Raises:
        UsageError: a policy is named and no copies are wanted, or copies of images to be tested on.
    """
    given = _given(options, tuple(HELP))
    if given and not options.augment:
        raise UsageError(f"--{next(iter(given))} says how copies are made; --augment K how many")
    if given.get("augment_split") in (VALIDATION, TEST):
        raise UsageError(
            f"--augment_split {given['augment_split']}: images that a head is measured on have no "
            "copies; name a split to train on"
        )
    return {FIELD_OF.get(name, name): value for name, value in given.items()}


def policy_choice(options: argparse.Namespace) -> dict[str, Any]:
    """What the options of `add_policy_options` name: values by field of `Augmentation`."""
    return _given(options, TRANSFORMS)


def _add(group: argparse._ArgumentGroup, names: Sequence[str]) -> None:
    for name in names:
        default = getattr(OF_THE_BOOK, FIELD_OF.get(name, name))
        shown = str(default).lower() if isinstance(default, bool) else default
        group.add_argument(
            f"--{name}",
            type=TYPES[name],
            choices=FILLS if name == "fill" else None,
            help=f"{HELP[name]}; {shown} if not given",
        )


def _given(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}
