"""The options that say which settings are searched."""

import argparse
from collections.abc import Callable

import numpy as np

from classifiers.data.pooled import POOLINGS
from classifiers.heads.scikit import SCALERS
from classifiers.searching.settings import DEFAULT_GRIDS, SEARCHED, Space
from pipelines.cli import positive_number, positive_real
from pipelines.errors import UsageError

DEFAULT_HEADS = "logistic,linear_svm"
DEFAULT_C = "1e-7:100:19"


def add_space_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the options of `space_of`."""
    parser.add_argument(
        "--heads",
        type=_names(SEARCHED, "head that can be searched"),
        default=DEFAULT_HEADS,
        help=f"of {', '.join(SEARCHED)}, with commas",
    )
    parser.add_argument(
        "--poolings",
        type=_names(POOLINGS, "pooling"),
        default="none",
        help="of none, avg and max over height and width of the stored maps, with commas",
    )
    parser.add_argument(
        "--scalers",
        type=_names(SCALERS, "scaler"),
        default="standardise",
        help="of standardise, l2 and none, with commas; for the linear heads",
    )
    parser.add_argument(
        "--C",
        type=reals,
        default=DEFAULT_C,
        help="values with commas, or LEAST:GREATEST:COUNT in equal ratios; for the linear heads",
    )
    for name, parse in _OWN.items():
        usual = "; ".join(
            f"{head} {','.join(f'{value:g}' for value in grid[name])}"
            for head, grid in DEFAULT_GRIDS.items()
            if name in grid
        )
        parser.add_argument(f"--{name}", type=parse, help=f"values with commas: {usual}")


def space_of(options: argparse.Namespace) -> Space:
    """The space that the options of `add_space_options` ask for.

    Raises:
        UsageError: an option is given that no head of the search has a use for.
    """
    grids = {"C": options.C}
    for name in _OWN:
        values = getattr(options, name)
        if values is None:
            continue
        able = [head for head, grid in DEFAULT_GRIDS.items() if name in grid]
        if not set(able) & set(options.heads):
            raise UsageError(f"--{name} is for {' and '.join(able)}; name one in --heads")
        grids[name] = values
    return Space(options.heads, options.poolings, options.scalers, grids)


def reals(text: str) -> tuple[float, ...]:
    """An option's value such as `1e-3,1,100`, or `LEAST:GREATEST:COUNT` in equal ratios."""
    if ":" not in text:
        return tuple(sorted({positive_real(each) for each in text.split(",")}))
    parts = text.split(":")
    if len(parts) != 3 or not parts[2].isdecimal() or not 2 <= int(parts[2]) <= 1000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither values such as 0.001,1,100 nor LEAST:GREATEST:COUNT, with a "
            "count from 2 to 1000"
        )
    least, greatest = positive_real(parts[0]), positive_real(parts[1])
    if least >= greatest:
        raise argparse.ArgumentTypeError(f"{text!r} goes from {least:g} down to {greatest:g}")
    # Rounded, so that the grid is what it says: 0.001, not 0.0009999999999999994.
    return tuple(float(f"{c:.6g}") for c in np.geomspace(least, greatest, int(parts[2])))


def numbers(text: str) -> tuple[int, ...]:
    """An option's value such as `1,5,20`."""
    return tuple(sorted({positive_number(each) for each in text.split(",")}))


_OWN: dict[str, Callable[[str], tuple[float, ...]]] = {
    "k": numbers,
    "temperature": reals,
    "learning_rate": reals,
    "units": numbers,
    "epochs": numbers,
}


def _names(known: tuple[str, ...], what: str) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(text.split(",")))
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"no {what} {name!r}, there are {', '.join(known)}"
                )
        return names

    return parse
