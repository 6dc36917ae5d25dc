"""The options that say in numbers how pixels enter a base."""

import argparse
import math

from pipelines.bases import SCALINGS, Scaling
from pipelines.contract import CHANNELS, FILE_BASES
from pipelines.errors import UsageError
from pipelines.visible import in_one_line


def add_scaling_options(group: argparse._ArgumentGroup) -> None:
    """Give a group of options those of (pixels x scale - mean) / std."""
    group.add_argument(
        "--scale",
        type=_number,
        metavar="X",
        help="that pixels of 0 to 255 are multiplied by: 1/255",
    )
    group.add_argument(
        "--mean", type=_three, metavar="A,B,C", help="taken away after that, of each colour"
    )
    group.add_argument("--std", type=_three, metavar="A,B,C", help="divided by after that")
    group.add_argument(
        "--channels", choices=CHANNELS, help="the order of colours, of --mean and --std too"
    )


def scaling_choice(options: argparse.Namespace, base: str) -> Scaling | None:
    """What the options say, by name or as numbers; None for the base's own or the book's 1/255.

    Raises:
        UsageError: both a name and numbers are given.
    """
    given = {name: getattr(options, name) for name in ("scale", "mean", "std", "channels")}
    numbers = {name: value for name, value in given.items() if value is not None}
    if not numbers:
        named = options.preprocessing
        own = ("imagenet",) if base in FILE_BASES else ("imagenet", "rescale")
        return None if named in own else SCALINGS[named]
    if options.preprocessing != "imagenet":
        raise UsageError(
            f"--preprocessing {options.preprocessing} and --{next(iter(numbers))} both say how "
            "pixels enter; leave one out"
        )
    return Scaling(**numbers)


def _number(text: str) -> float:
    """A number, or a fraction of two."""
    above, slash, below = text.partition("/")
    try:
        value = float(above) / (float(below) if slash else 1.0)
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(
            f"{in_one_line(text)!r} is no number, nor a fraction such as 1/255"
        ) from error
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{in_one_line(text)!r} is not finite")
    return value


def _three(text: str) -> tuple[float, float, float]:
    values = [_number(each) for each in text.split(",")]
    if len(values) == 1:
        values *= 3
    if len(values) != 3:
        raise argparse.ArgumentTypeError(
            f"{in_one_line(text)!r} is not three numbers, one a colour"
        )
    return (values[0], values[1], values[2])
